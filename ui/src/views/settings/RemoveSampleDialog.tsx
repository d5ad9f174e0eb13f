import { useNavigate } from "@tanstack/react-router";
import { useAction } from "~/api/client";
import { useText } from "~/shared/text";
import { Button } from "~/shared/ui/Button";
import { Dialog } from "~/shared/ui/Dialog";
import { Problem } from "~/shared/ui/Problem";
import { toast } from "~/shared/ui/toast";

/** Says what goes with the sample, and what stays, before it goes. */
export function RemoveSampleDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const text = useText();
  const navigate = useNavigate();
  const remove = useAction("sample.remove");
  const prepare = useAction("sample.prepare");
  const close = () => {
    remove.clear();
    onClose();
  };
  const act = async () => {
    if ((await remove.run(null)) === undefined) return;
    toast({ title: text("sample.removed"), action: { label: text("common.undo"), run: () => void prepare.run(null) } });
    close();
    // The page may have been about the sample.
    await navigate({ to: "/" });
  };
  return (
    <Dialog
      open={open}
      onClose={close}
      title={text("sample.removeTitle")}
      footer={
        <>
          <Button onClick={close}>{text("common.cancel")}</Button>
          <Button look="danger" disabled={remove.pending} onClick={() => void act()}>
            {text("sample.removeNow")}
          </Button>
        </>
      }
    >
      <p className="m-0">{text("sample.removeMeaning")}</p>
      {remove.error !== null && <Problem error={remove.error} className="mt-3" />}
    </Dialog>
  );
}
