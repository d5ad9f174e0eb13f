import clsx from "clsx";
import { useAnswer } from "~/api/client";
import type { DiffSign, TimelineDiff } from "~/api/generated";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Answer } from "~/shared/ui/Answer";
import { Button } from "~/shared/ui/Button";
import { Dialog } from "~/shared/ui/Dialog";

const signs: Record<DiffSign, { sign: string; ink: string }> = {
  same: { sign: " ", ink: "text-ink-muted" },
  added: { sign: "+", ink: "bg-ok-soft text-ok" },
  removed: { sign: "–", ink: "bg-bad-soft text-bad" },
  gap: { sign: "⋯", ink: "text-ink-subtle" },
};

/** What changed in a file of the configuration. */
export function DiffDialog({ diff, onClose }: { diff: TimelineDiff | null; onClose: () => void }) {
  const text = useText();
  return (
    <Dialog open={diff !== null} onClose={onClose} title={text("history.diffTitle")} wide footer={<Button onClick={onClose}>{text("common.close")}</Button>}>
      {diff && <Difference {...diff} />}
    </Dialog>
  );
}

function Difference({ before, after }: TimelineDiff) {
  const text = useText();
  const format = useFormat();
  const answer = useAnswer("config.diff", { before, after });
  return (
    <Answer of={answer} doing={text("history.loading")}>
      {({ file, before_at, after_at, lines }) => (
        <>
          <p className="m-0 mb-2 text-ink-muted">
            <bdi className="font-mono text-code text-ink">{file}</bdi> ·{" "}
            {text("history.diffTimes", { before: format.moment(before_at), after: format.moment(after_at) })}
          </p>
          <pre className="m-0 overflow-auto rounded-control border border-border bg-surface py-2 font-mono text-code">
            {lines.map((line, at) => {
              const { sign, ink } = signs[line.sign];
              return (
                // Lines are their position; they never move.
                // oxlint-disable-next-line react/no-array-index-key
                <div key={at} className={clsx("px-4", ink)}>
                  <span className="mr-2 select-none">{sign}</span>
                  {line.text}
                </div>
              );
            })}
          </pre>
        </>
      )}
    </Answer>
  );
}
