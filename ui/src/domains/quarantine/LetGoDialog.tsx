import { useAction } from "~/api/client";
import type { QuarantineRow } from "~/api/generated";
import { useText } from "~/shared/text";
import { Button } from "~/shared/ui/Button";
import { Dialog } from "~/shared/ui/Dialog";
import { Problem } from "~/shared/ui/Problem";
import { toast } from "~/shared/ui/toast";

interface LetGoDialogProps {
  open: boolean;
  connection: string;
  table: string;
  rows: readonly QuarantineRow[];
  onClose: () => void;
}

/** Lets rejected rows go without loading them; says how many before, because they do not come back. */
export function LetGoDialog({ open, connection, table, rows, onClose }: LetGoDialogProps) {
  const text = useText();
  const accept = useAction("quarantine.accept");
  const count = rows.length;
  const act = async () => {
    const answer = await accept.run({ connection, table, ids: rows.map(({ id }) => id) });
    if (!answer) return;
    toast({ title: text("rejected.gone", { count: answer.removed, table }) });
    onClose();
  };
  return (
    <Dialog
      open={open && count > 0}
      onClose={onClose}
      title={text("rejected.letGoTitle", { count, table })}
      footer={
        <>
          <Button onClick={onClose}>{text("common.cancel")}</Button>
          <Button look="danger" disabled={accept.pending} onClick={() => void act()}>
            {text("rejected.letGoNow", { count })}
          </Button>
        </>
      }
    >
      <p className="m-0">{text("rejected.letGoMeaning", { count })}</p>
      {accept.error !== null && <Problem error={accept.error} className="mt-3" />}
    </Dialog>
  );
}
