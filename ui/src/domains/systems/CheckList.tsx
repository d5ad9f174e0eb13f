import { CircleCheck, LoaderCircle, OctagonX, TriangleAlert } from "lucide-react";
import type { CheckStep } from "~/api/generated";
import { useEffect, useRef } from "react";
import { usePlatform } from "~/platform";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Button } from "~/shared/ui/Button";
import { Code } from "~/shared/ui/Code";
import { toast } from "~/shared/ui/toast";
import { Words } from "~/shared/ui/Words";

const marks = {
  ok: { icon: CircleCheck, ink: "text-ok" },
  limited: { icon: TriangleAlert, ink: "text-warn" },
  failed: { icon: OctagonX, ink: "text-bad" },
} as const;

interface CheckListProps {
  steps: readonly CheckStep[];
  running: boolean;
  onCancel: () => void;
}

/** A connection test as it runs: each step with its time, and what to do where one does not work. */
export function CheckList({ steps, running, onCancel }: CheckListProps) {
  const text = useText();
  const list = useRef<HTMLOListElement>(null);
  // The list grows under a long form: it is what the person waits for.
  useEffect(() => {
    list.current?.scrollIntoView({ block: "nearest" });
  }, [steps.length, running]);
  return (
    <ol ref={list} aria-live="polite" className="m-0 flex list-none flex-col gap-2 rounded-card border border-border bg-surface p-4">
      {steps.map((step) => (
        <Step key={step.title} step={step} />
      ))}
      {running && (
        <li className="flex items-center gap-3 text-ink-muted">
          <LoaderCircle size={16} strokeWidth={1.75} aria-hidden className="animate-spin" />
          <span className="flex-1">{text("wizard.testing")}</span>
          <Button size="small" onClick={onCancel}>
            {text("common.cancel")}
          </Button>
        </li>
      )}
    </ol>
  );
}

function Step({ step }: { step: CheckStep }) {
  const text = useText();
  const format = useFormat();
  const platform = usePlatform();
  const { icon: Icon, ink } = marks[step.status];
  return (
    <li className="flex gap-3">
      <Icon size={16} strokeWidth={1.75} aria-hidden className={`h-5 shrink-0 ${ink}`} />
      <div className="flex min-w-0 flex-1 flex-col gap-1">
        <div className="flex items-baseline gap-3">
          <span className={step.status === "ok" ? "" : "font-medium"}>{step.title}</span>
          <span className="num ms-auto shrink-0 text-ink-subtle">{format.duration(step.duration_ms)}</span>
        </div>
        {step.detail && (
          <span className="break-words text-ink-muted">
            <Words>{step.detail}</Words>
          </span>
        )}
        {step.consequence && (
          <span>
            <Words>{step.consequence}</Words>
          </span>
        )}
        {step.fixes.map((fix) => (
          <div key={fix.text} className="flex flex-col gap-1">
            <span>
              <Words>{fix.text}</Words>
            </span>
            {fix.command && (
              <div className="flex items-start gap-2">
                <Code>{fix.command}</Code>
                <Button
                  size="small"
                  onClick={() => void platform.copy(fix.command ?? "").then(() => toast({ title: text("common.copied") }))}
                >
                  {text("wizard.copy")}
                </Button>
              </div>
            )}
          </div>
        ))}
      </div>
    </li>
  );
}
