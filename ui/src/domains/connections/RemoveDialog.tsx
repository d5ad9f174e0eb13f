import { useAction } from "~/api/client";
import { useText } from "~/shared/text";
import { Button } from "~/shared/ui/Button";
import { Dialog } from "~/shared/ui/Dialog";
import { toast } from "~/shared/ui/toast";
import { Problem } from "~/shared/ui/Problem";

interface RemoveDialogProps {
  /** The connection; null while nothing is asked. */
  name: string | null;
  onClose: () => void;
  onRemoved?: () => void;
}

/** Says what stays before a connection goes. */
export function RemoveDialog({ name, onClose, onRemoved }: RemoveDialogProps) {
  const text = useText();
  const remove = useAction("connections.remove");
  const get = useAction("connections.get");
  const restore = useAction("connections.save");
  if (name === null) return null;
  const act = async () => {
    // Read first: afterwards nobody knows it any more.
    const before = await get.run({ connection: name });
    if (before === undefined || (await remove.run({ connection: name })) === undefined) return;
    toast({
      title: text("connections.removed", { name }),
      action: { label: text("common.undo"), run: () => void restore.run({ connection: name, config: before.config }) },
    });
    onClose();
    onRemoved?.();
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={text("connections.removeTitle", { name })}
      footer={
        <>
          <Button onClick={onClose}>{text("common.cancel")}</Button>
          <Button look="danger" disabled={get.pending || remove.pending} onClick={() => void act()}>
            {text("connections.removeNow", { name })}
          </Button>
        </>
      }
    >
      <p className="m-0">{text("connections.removeMeaning")}</p>
      {(get.error ?? remove.error) !== null && <Problem error={get.error ?? remove.error} className="mt-3" />}
    </Dialog>
  );
}
