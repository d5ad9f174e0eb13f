import { useId, useState } from "react";
import { OctagonX } from "lucide-react";
import type { RejectedSample } from "~/api/generated";
import { useText } from "~/shared/text";
import { Button } from "~/shared/ui/Button";
import { Code } from "~/shared/ui/Code";
import { Words } from "~/shared/ui/Words";
import { setOut } from "./ValueDialog";

const SHOWN_MAX = 50;

/** The rows of a sample that will not land, each with its reason; a finding with the rows behind it. */
export function RejectedRows({ rejected, sampled }: { rejected: readonly RejectedSample[]; sampled: number }) {
  const text = useText();
  const id = useId();
  const [open, setOpen] = useState(false);
  if (rejected.length === 0) return null;
  return (
    <section className="flex items-start gap-2">
      <OctagonX size={16} strokeWidth={1.5} aria-hidden className="h-5 shrink-0 text-bad" />
      <div className="flex min-w-0 flex-1 flex-col items-start gap-2">
        <h3 className="text-body font-medium">{text("preview.rejected", { count: rejected.length, sampled })}</h3>
        <p className="m-0 text-ink-muted">{text("preview.rejectedMeaning")}</p>
        <Button size="small" aria-expanded={open} aria-controls={id} onClick={() => setOpen(!open)}>
          {text(open ? "preview.hideRejected" : "preview.showRejected")}
        </Button>
        <ol id={id} hidden={!open} className="m-0 w-full list-none p-0">
          {rejected.slice(0, SHOWN_MAX).map((sample, at) => (
            // Rows are their position in the sample.
            // oxlint-disable-next-line react/no-array-index-key
            <li key={at} className="flex flex-col gap-1 border-t border-border py-2">
              <span className="break-words">
                {sample.column !== null && <bdi className="font-medium">{sample.column}: </bdi>}
                <Words>{sample.reason}</Words>
              </span>
              <Code>{setOut(sample.row)}</Code>
            </li>
          ))}
          {rejected.length > SHOWN_MAX && (
            <li className="border-t border-border py-2 text-ink-muted">
              {text("preview.moreRejected", { count: rejected.length - SHOWN_MAX })}
            </li>
          )}
        </ol>
      </div>
    </section>
  );
}
