import { Tooltip } from "./Tooltip";
import { inkOf, type StateName } from "./State";

interface SparkProps {
  label: string;
  values: readonly number[];
  width?: number;
  height?: number;
}

/** Bars without axes, for a shape at a glance. */
export function Sparkline({ label, values, width = 160, height = 24 }: SparkProps) {
  const most = Math.max(1, ...values);
  const step = width / Math.max(values.length, 1);
  return (
    <svg role="img" aria-label={label} width={width} height={height} viewBox={`0 0 ${width} ${height}`} className="mark-ground">
      {values.map((value, at) => {
        const tall = value === 0 ? 1 : Math.max(2, (value / most) * height);
        return (
          <rect
            // A bar is its position.
            // oxlint-disable-next-line react/no-array-index-key
            key={at}
            x={at * step}
            y={height - tall}
            width={Math.max(step - 2, 1)}
            height={tall}
            className={value === 0 ? "fill-border-strong" : "fill-accent"}
          />
        );
      })}
    </svg>
  );
}

export interface StripMark {
  id: string;
  state: StateName;
  /** What this mark stands for, in words. */
  title: string;
}

const fills = { ok: "bg-ok", warn: "bg-warn", bad: "bg-bad", run: "border border-run bg-run-soft", new: "bg-new", idle: "bg-border-strong" };
// Height tells the states apart where colour does not.
const heights = { ok: "h-4", warn: "h-3", bad: "h-2", run: "h-4", new: "h-3", idle: "h-1" };

/** The last runs, oldest first. Good ones are tall, bad ones short, so that it can be read without colours. Too small
 * to be pressed; the history lists the same runs. */
export function Strip({ label, marks }: { label: string; marks: readonly StripMark[] }) {
  return (
    <ul aria-label={label} className="m-0 flex h-4 list-none items-end gap-1 p-0">
      {marks.map((mark) => {
        const ink = inkOf(mark.state);
        const bar = `mark-ground block w-1 rounded-[1px] ${fills[ink]} ${heights[ink]}`;
        return (
          <li key={mark.id} className="flex items-end">
            <Tooltip text={mark.title}>
              <span role="img" aria-label={mark.title} className={bar} />
            </Tooltip>
          </li>
        );
      })}
    </ul>
  );
}
