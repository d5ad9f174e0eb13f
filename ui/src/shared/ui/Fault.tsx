import clsx from "clsx";
import { OctagonX, TriangleAlert } from "lucide-react";
import { type ReactNode, use, useState } from "react";
import type { Side } from "~/api/generated";
import { usePlatform } from "~/platform";
import { useText } from "~/shared/text";
import { Button } from "./Button";
import { Code } from "./Code";
import { type Fix, type FixButton, FixContext } from "./fixes";
import { Words } from "./Words";

/** An error as people read it: what happened, what it means for their data, what to do, and the facts on request. */
export interface FaultShape {
  message: string;
  meaning?: string | undefined;
  fixes?: readonly Fix[] | undefined;
  details?: readonly string[] | undefined;
  code?: string | undefined;
  /** At which end of a connection it happened, when that is known. */
  side?: Side | null | undefined;
}

interface FaultProps {
  fault: FaultShape;
  /** Something needs a decision; nothing is broken. */
  mild?: boolean;
  /** Asks again for what failed; beside the fix that says so, or else below. */
  onRetry?: (() => void) | undefined;
  /** More buttons. */
  actions?: ReactNode;
  className?: string;
}

export function Fault({ fault, mild = false, onRetry, actions, className }: FaultProps) {
  const text = useText();
  const platform = usePlatform();
  const [open, setOpen] = useState(false);
  const Icon = mild ? TriangleAlert : OctagonX;
  const details = [...(fault.code ? [text("fault.code", { code: fault.code })] : []), ...(fault.details ?? [])];
  const copy = () => void platform.copy([fault.message, fault.meaning, ...details].filter(Boolean).join("\n"));
  const around = use(FixContext);
  const buttonsOf = ({ action }: Fix): readonly FixButton[] => {
    switch (action) {
      case null:
        return [];
      case "try_again":
        return onRetry ? [{ label: text("common.tryAgain"), run: onRetry }] : (around.try_again ?? []);
      case "copy_details":
        return [{ label: text("fault.copy"), run: copy }];
      default:
        return (around[action] ?? []).filter(({ side }) => !side || !fault.side || side === fault.side);
    }
  };
  const retryBelow = onRetry && !fault.fixes?.some(({ action }) => action === "try_again");
  return (
    <div
      role="alert"
      className={clsx("flex gap-3 rounded-card border border-border p-4", mild ? "bg-warn-soft" : "bg-bad-soft", className)}
    >
      <Icon size={20} strokeWidth={1.5} aria-hidden className={clsx("shrink-0", mild ? "text-warn" : "text-bad")} />
      <div className="flex min-w-0 flex-1 flex-col gap-2">
        <p className="m-0 font-medium break-words">
          <Words>{fault.message}</Words>
        </p>
        {fault.meaning && <p className="m-0 break-words"><Words>{fault.meaning}</Words></p>}
        {fault.fixes && fault.fixes.length > 0 && <Fixes fixes={fault.fixes} buttonsOf={buttonsOf} />}
        {(actions || retryBelow || details.length > 0) && (
          <div className="flex flex-wrap items-center gap-2">
            {retryBelow && <Button onClick={onRetry}>{text("common.tryAgain")}</Button>}
            {actions}
            {details.length > 0 && (
              <Button look="quiet" size="small" aria-expanded={open} onClick={() => setOpen(!open)}>
                {text("fault.details")}
              </Button>
            )}
          </div>
        )}
        {open && (
          <div className="flex flex-col items-start gap-2">
            <Code>{details.join("\n")}</Code>
            <Button size="small" onClick={copy}>
              {text("fault.copy")}
            </Button>
          </div>
        )}
      </div>
    </div>
  );
}

function Fixes({ fixes, buttonsOf }: { fixes: readonly Fix[]; buttonsOf: (fix: Fix) => readonly FixButton[] }) {
  return (
    <ol className="m-0 flex list-decimal flex-col gap-1 ps-5">
      {fixes.map((fix) => (
        <li key={fix.label}>
          <Words>{fix.label}</Words>
          {buttonsOf(fix).map(({ label, run }) => (
            <Button key={label} size="small" onClick={run} className="my-1 ms-2">
              {label}
            </Button>
          ))}
        </li>
      ))}
    </ol>
  );
}
