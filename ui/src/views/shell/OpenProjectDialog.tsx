import { FolderOpen } from "lucide-react";
import { type FormEvent, useId, useState } from "react";
import { useAction } from "~/api/client";
import { usePlatform } from "~/platform";
import { useText } from "~/shared/text";
import { Button } from "~/shared/ui/Button";
import { Dialog } from "~/shared/ui/Dialog";
import { Field, TextInput } from "~/shared/ui/Field";
import { Problem } from "~/shared/ui/Problem";

/** Asks for the folder of another project and opens it in place of this one. */
export function OpenProjectDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const text = useText();
  const form = useId();
  const { native } = usePlatform();
  const [folder, setFolder] = useState("");
  const request = useAction("project.open");
  const close = () => {
    request.clear();
    onClose();
  };
  const act = async (event: FormEvent) => {
    event.preventDefault();
    if ((await request.run({ folder })) === undefined) return;
    // Nothing that is shown or kept here is about the other project.
    window.location.hash = "#/";
    window.location.reload();
  };
  return (
    <Dialog
      open={open}
      onClose={close}
      title={text("project.openTitle")}
      footer={
        <>
          <Button onClick={close}>{text("common.cancel")}</Button>
          <Button look="primary" type="submit" form={form} disabled={request.pending || folder.trim() === ""}>
            {text("project.openNow")}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={(event) => void act(event)} className="flex flex-col gap-3">
        <Field label={text("project.folder")} help={text("project.folderHelp")}>
          {(ids) => (
            <div className="flex gap-2">
              <TextInput {...ids} value={folder} onValue={setFolder} />
              {native && (
                <Button icon={FolderOpen} onClick={() => void native.pickFolder().then((picked) => picked !== null && setFolder(picked))}>
                  {text("project.pick")}
                </Button>
              )}
            </div>
          )}
        </Field>
        {request.error !== null && <Problem error={request.error} />}
      </form>
    </Dialog>
  );
}
