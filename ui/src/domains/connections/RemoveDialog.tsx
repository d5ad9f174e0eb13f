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
  if (name === null) return null;
  const act = async () => {
    if ((await remove.run({ connection: name })) === undefined) return;
    toast({ title: text("connections.removed", { name }) });
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
          <Button look="danger" disabled={remove.pending} onClick={() => void act()}>
            {text("connections.removeNow", { name })}
          </Button>
        </>
      }
    >
      <p className="m-0">{text("connections.removeMeaning")}</p>
      {remove.error !== null && <Problem error={remove.error} className="mt-3" />}
    </Dialog>
  );
}
