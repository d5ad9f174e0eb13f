import { useAction, useAnswer } from "~/api/client";
import { useText } from "~/shared/text";
import { Button } from "~/shared/ui/Button";
import { Dialog } from "~/shared/ui/Dialog";
import { Problem } from "~/shared/ui/Problem";
import { toast } from "~/shared/ui/toast";

/** Asks before what was filled in is forgotten. For a moment it can be brought back. */
export function RemoveDraftDialog({ name, onClose }: { name: string | null; onClose: () => void }) {
  const text = useText();
  const remove = useAction("drafts.remove");
  const restore = useAction("drafts.save");
  const draft = useAnswer("drafts.list", null).data?.find((each) => each.name === name);
  if (name === null) return null;
  const act = async () => {
    if ((await remove.run({ name })) === undefined) return;
    toast({
      title: text("drafts.removed", { name }),
      ...(draft && { action: { label: text("common.undo"), run: () => void restore.run({ name, content: draft.content }) } }),
    });
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
