import clsx from "clsx";
import type { LucideIcon } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { useFormat } from "~/shared/text/format";
import { useText } from "~/shared/text";
import { Button } from "./Button";

interface EmptyProps {
  icon?: LucideIcon;
  /** One sentence: what will be here. */
  sentence: string;
  actions?: ReactNode;
}

export function Empty({ icon: Icon, sentence, actions }: EmptyProps) {
  return (
    <div className="flex flex-1 flex-col items-center justify-center gap-4 p-12 text-center">
      {Icon && <Icon size={20} strokeWidth={1.5} aria-hidden className="text-ink-subtle" />}
      <p className="m-0 max-w-md text-ink-muted">{sentence}</p>
      {actions && <div className="flex gap-2">{actions}</div>}
    </div>
  );
}

const SKELETON_AFTER_MS = 150;
const WORDS_AFTER_MS = 2_000;
const CANCEL_AFTER_MS = 10_000;

interface LoadingProps {
  /** What is being done, said when it takes longer ("Reading table list…"). */
  doing: string;
  onCancel?: (() => void) | undefined;
  /** Has the shape of what will be here. */
  rows?: number;
}

/** Nothing at first, then a skeleton, then words, then the time and a way out. */
export function Loading({ doing, onCancel, rows = 6 }: LoadingProps) {
  const text = useText();
  const format = useFormat();
  const [waited, setWaited] = useState(0);
  useEffect(() => {
    const start = performance.now();
    const timer = setInterval(() => setWaited(performance.now() - start), SKELETON_AFTER_MS);
    return () => clearInterval(timer);
  }, []);
  if (waited < SKELETON_AFTER_MS) return <div aria-busy className="flex-1" />;
  return (
    <div aria-busy className="flex flex-1 flex-col gap-4 p-6">
      {waited >= WORDS_AFTER_MS && (
        <p role="status" className="m-0 flex items-center gap-3 text-ink-muted">
          {doing}
          {waited >= CANCEL_AFTER_MS && <span className="num">{format.duration(waited)}</span>}
          {waited >= CANCEL_AFTER_MS && onCancel && (
            <Button size="small" onClick={onCancel}>
              {text("common.cancel")}
            </Button>
          )}
        </p>
      )}
      <div aria-hidden className="flex flex-col gap-3">
        {Array.from({ length: rows }, (_, at) => (
          <div key={at} className="shimmer flex gap-4">
            <div className="h-4 w-24 rounded-input bg-sunken" />
            <div className={clsx("h-4 rounded-input bg-sunken", at % 3 === 1 ? "w-2/5" : "w-3/5")} />
          </div>
        ))}
      </div>
    </div>
  );
}

interface ProgressProps {
  label: string;
  /** 0 to 1; without it the total is unknown and only movement is shown. */
  share?: number | undefined;
  className?: string;
}

export function Progress({ label, share, className }: ProgressProps) {
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={share === undefined ? undefined : Math.round(share * 100)}
      className={clsx("mark-ground h-1 overflow-hidden rounded-pill bg-run-soft", className)}
    >
      {share === undefined ? (
        <div className="moving-bar h-full w-1/3 bg-run" />
      ) : (
        <div className="h-full bg-run" style={{ width: `${Math.min(share, 1) * 100}%` }} />
      )}
    </div>
  );
}

/** A figure with the word for it, as in the quiet strip over a list. */
export function Figure({ value, label, title }: { value: string; label: string; title?: string }) {
  return (
    <div className="flex items-baseline gap-2" title={title}>
      <span className="num text-title font-semibold">{value}</span>
      <span className="text-ink-muted">{label}</span>
    </div>
  );
}
