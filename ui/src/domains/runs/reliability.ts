import type { Freshness, ReliabilityDay } from "~/api/generated";
import type { StateName } from "~/shared/ui/State";

/** The part of the minutes in which data should be fresh. */
export const OBJECTIVE = 0.999;

export interface Budget {
  /** The part of the minutes in which data was fresh, 0 to 1, rounded down: 99.99 % is never shown as all of them. */
  share: number;
  lateMinutes: number;
  allowedMinutes: number;
  /** Below zero when more was late than is allowed. */
  leftMinutes: number;
  /** The part of the allowance that is used, 0 to 1. */
  used: number;
}

/** What the allowance of late minutes looks like; none before a minute was counted. */
export function budgetOf({ fresh_minutes: fresh, counted_minutes: counted, allowance_minutes: allowed }: Freshness): Budget | null {
  if (counted <= 0) return null;
  const late = Math.max(0, counted - fresh);
  return {
    share: Math.floor((fresh / counted) * 10_000) / 10_000,
    lateMinutes: late,
    allowedMinutes: allowed,
    leftMinutes: allowed - late,
    used: late === 0 ? 0 : allowed > 0 ? Math.min(1, late / allowed) : 1,
  };
}

/** A share as whole hundredths of a percent, rounded down; none when there is nothing to count. */
export function shareOf(part: number, all: number): number | null {
  return all > 0 ? Math.floor((part / all) * 10_000) / 10_000 : null;
}

const DAY_MS = 86_400_000;

/** Days (in UTC) until `now`, oldest first. Days without runs are there too, so that gaps can be seen. */
export function filledDays(days: number, known: readonly ReliabilityDay[], now: number): ReliabilityDay[] {
  const byDay = new Map(known.map((day) => [day.day, day]));
  return Array.from({ length: days }, (_, at) => {
    const day = new Date(now - (days - 1 - at) * DAY_MS).toISOString().slice(0, 10);
    return byDay.get(day) ?? { day, succeeded: 0, failed: 0, attention: 0, rows_written: 0 };
  });
}

/** The worst thing of a day wins. */
export function stateOfDay(day: ReliabilityDay): StateName {
  if (day.failed > 0) return "failed";
  if (day.attention > 0) return "done_with_rejected";
  return day.succeeded > 0 ? "done" : "queued";
}
