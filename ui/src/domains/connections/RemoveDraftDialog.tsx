import { useAction } from "~/api/client";
import { useText } from "~/shared/text";
import { Button } from "~/shared/ui/Button";
import { Dialog } from "~/shared/ui/Dialog";
import { Problem } from "~/shared/ui/Problem";
import { toast } from "~/shared/ui/toast";

/** Asks before what was filled in is forgotten, because it cannot be brought back. */
export function RemoveDraftDialog({ name, onClose }: { name: string | null; onClose: () => void }) {
  const text = useText();
  const remove = useAction("drafts.remove");
  if (name === null) return null;
  const act = async () => {
    if ((await remove.run({ name })) === undefined) return;
    toast({ title: text("drafts.removed", { name }) });
    onClose();
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={text("drafts.removeTitle", { name })}
      footer={
        <>
          <Button onClick={onClose}>{text("common.cancel")}</Button>
          <Button look="danger" disabled={remove.pending} onClick={() => void act()}>
            {text("drafts.removeNow")}
          </Button>
        </>
      }
    >
      <p className="m-0">{text("drafts.removeMeaning")}</p>
      {remove.error !== null && <Problem error={remove.error} className="mt-3" />}
    </Dialog>
  );
}
