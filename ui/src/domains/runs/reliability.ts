import type { Freshness, ReliabilityColumn, Outcome } from "~/api/generated";
import type { StateName } from "~/shared/ui/State";

/** The part of the time in which data should be fresh. */
export const OBJECTIVE = 0.999;

/** How much of the allowance is left, in words and colour. */
export type Band = "plenty" | "half" | "some" | "little" | "none";

export interface Budget {
  /** The part of the time in which data was fresh, 0 to 1, rounded down: 99.99 % is never shown as all of it. */
  share: number;
  lateSeconds: number;
  allowedSeconds: number;
  /** Below zero when more was late than is allowed. */
  leftSeconds: number;
  /** The part of the allowance that is used, 0 to 1. */
  used: number;
  band: Band;
}

/** What the allowance of late time looks like; none before any time was counted. */
export function budgetOf({ late_seconds: late, counted_seconds: counted, allowance_seconds: allowed }: Freshness): Budget | null {
  if (counted <= 0) return null;
  const used = late === 0 ? 0 : allowed > 0 ? Math.min(1, late / allowed) : 1;
  return {
    share: Math.floor(((counted - late) / counted) * 10_000) / 10_000,
    lateSeconds: late,
    allowedSeconds: allowed,
    leftSeconds: allowed - late,
    used,
    band: late > allowed ? "none" : bandOf(1 - used),
  };
}

function bandOf(left: number): Band {
  if (left > 0.75) return "plenty";
  if (left > 0.5) return "half";
  return left > 0.25 ? "some" : "little";
}

/** A share as whole hundredths of a percent, rounded down; none when there is nothing to count. */
export function shareOf(part: number, all: number): number | null {
  return all > 0 ? Math.floor((part / all) * 10_000) / 10_000 : null;
}

/** What a column of the grid shows of freshness: the worst there was; `off` and `paused` only when nothing else was. */
export type Cell = "late" | "fresh" | "paused" | "off" | "nothing";

export function cellOf(column: ReliabilityColumn): Cell {
  if (column.late_seconds > 0) return "late";
  if (column.fresh_seconds > 0) return "fresh";
  if (column.off_seconds > 0 || column.paused_seconds > 0) return column.off_seconds >= column.paused_seconds ? "off" : "paused";
  return "nothing";
}

const states: Record<Outcome, StateName> = {
  succeeded: "done",
  succeeded_with_rejected: "done_with_rejected",
  needs_decision: "needs_decision",
  stopped: "stopped",
  failed: "failed",
};

export function stateOfOutcome(outcome: Outcome): StateName {
  return states[outcome];
}

/** How often each outcome occurs, in the order of their gravity. */
export function tallied(worst: readonly (Outcome | null)[]): { outcome: Outcome; count: number }[] {
  const order: Outcome[] = ["failed", "needs_decision", "succeeded_with_rejected", "stopped", "succeeded"];
  return order
    .map((outcome) => ({ outcome, count: worst.filter((each) => each === outcome).length }))
    .filter(({ count }) => count > 0);
}
