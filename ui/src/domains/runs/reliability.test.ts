import { describe, expect, it } from "vitest";
import type { RunSummary, TimelineEntry } from "~/api/generated";
import { filtered, merged } from "./moments";
import { budgetOf, cellOf, shareOf, tallied } from "./reliability";

const freshness = (late_seconds: number, counted_seconds: number) => ({
  target_minutes: 30,
  counted_seconds,
  late_seconds,
  allowance_seconds: Math.floor(counted_seconds / 1000),
  full_allowance_seconds: 2_592,
  paused_seconds: 0,
  off_seconds: 0,
  off_counts: false,
});
const MONTH_S = 30 * 86_400;

describe("the allowance of late time", () => {
  it("is used up by late time", () => {
    const budget = budgetOf(freshness(26 * 60, MONTH_S));
    expect(budget).toMatchObject({ lateSeconds: 1_560, share: 0.9993, allowedSeconds: 43 * 60 + 12, band: "some" });
    expect(budget?.leftSeconds).toBe(17 * 60 + 12);
    expect(budget?.used).toBeCloseTo(26 / 43.2);
  });

  it("is never shown as kept when a second was late", () => {
    expect(budgetOf(freshness(1, MONTH_S))?.share).toBeLessThan(1);
    expect(shareOf(99_999, 100_000)).toBe(0.9999);
    expect(budgetOf(freshness(0, MONTH_S))).toMatchObject({ share: 1, used: 0, band: "plenty" });
  });

  it("can be overspent, and does not exist before any time was counted", () => {
    expect(budgetOf(freshness(6_000, 60_000))).toMatchObject({ used: 1, leftSeconds: -5_940, band: "none" });
    expect(budgetOf(freshness(0, 0))).toBeNull();
    expect(shareOf(0, 0)).toBeNull();
  });
});

describe("a column of the grid", () => {
  const column = { from: "", fresh_seconds: 0, late_seconds: 0, paused_seconds: 0, off_seconds: 0 };

  it("shows the worst, and time asleep only when there was nothing else", () => {
    expect(cellOf({ ...column, fresh_seconds: 9, late_seconds: 1, off_seconds: 9 })).toBe("late");
    expect(cellOf({ ...column, fresh_seconds: 1, off_seconds: 9 })).toBe("fresh");
    expect(cellOf({ ...column, off_seconds: 9, paused_seconds: 1 })).toBe("off");
    expect(cellOf({ ...column, paused_seconds: 9 })).toBe("paused");
    expect(cellOf(column)).toBe("nothing");
  });

  it("is counted by how grave it is", () => {
    expect(tallied([null, "succeeded", "failed", "succeeded"])).toEqual([
      { outcome: "failed", count: 1 },
      { outcome: "succeeded", count: 2 },
    ]);
  });
});

const run = (started_at: string, outcome: RunSummary["outcome"], interrupted = false): RunSummary => ({
  run: started_at,
  connection: "shop",
  started_at,
  ended_at: started_at,
  duration_ms: 1,
  outcome,
  rows_written: 0,
  rows_rejected: 0,
  interrupted,
  failure: null,
  connectors: {},
  version: null,
  config_hash: "",
});
const entry = (at: string): TimelineEntry => ({ id: 1, at, kind: "pause", run: null, text: "Paused.", diff: null, undo: false });

describe("the timeline", () => {
  const runs = [run("2026-11-23T10:00:00Z", "succeeded"), run("2026-11-22T10:00:00Z", "failed"), run("2026-11-21T10:00:00Z", null, true)];
  const entries = [entry("2026-11-22T12:00:00Z"), entry("2026-11-01T00:00:00Z")];

  it("puts runs and everything else in one order, newest first", () => {
    expect(merged(runs, entries, true).map(({ at }) => at.slice(5, 13))).toEqual(["11-23T10", "11-22T12", "11-22T10", "11-21T10", "11-01T00"]);
  });

  it("keeps back what happened before the oldest run that is shown", () => {
    expect(merged(runs, entries, false).filter(({ entry: other }) => other)).toHaveLength(1);
    expect(merged([], entries, true)).toHaveLength(2);
  });

  it("can be filtered; a run that was cut off is trouble, one under way is not", () => {
    const all = merged([...runs, run("2026-11-24T10:00:00Z", null)], entries, true);
    expect(filtered(all, "trouble").map(({ run: each }) => each?.started_at.slice(8, 10))).toEqual(["22", "21"]);
    expect(filtered(all, "changes")).toHaveLength(2);
    expect(filtered(all, "runs")).toHaveLength(4);
  });
});
