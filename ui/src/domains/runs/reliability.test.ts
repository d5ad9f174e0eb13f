import { describe, expect, it } from "vitest";
import type { RunSummary, TimelineEntry } from "~/api/generated";
import { filtered, merged } from "./moments";
import { budgetOf, filledDays, shareOf, stateOfDay } from "./reliability";

const freshness = (fresh_minutes: number, counted_minutes: number) => ({
  target_minutes: 30,
  fresh_minutes,
  counted_minutes,
  allowance_minutes: counted_minutes * 0.001,
});

describe("the allowance of late minutes", () => {
  it("is used up by late minutes", () => {
    const budget = budgetOf(freshness(43_174, 43_200));
    expect(budget).toMatchObject({ lateMinutes: 26, share: 0.9993 });
    expect(budget?.leftMinutes).toBeCloseTo(17.2);
    expect(budget?.used).toBeCloseTo(26 / 43.2);
  });

  it("is never shown as kept when a minute was late", () => {
    expect(budgetOf(freshness(43_199, 43_200))?.share).toBeLessThan(1);
    expect(shareOf(99_999, 100_000)).toBe(0.9999);
    expect(budgetOf(freshness(43_200, 43_200))).toMatchObject({ share: 1, used: 0 });
  });

  it("can be overspent, and does not exist before a minute was counted", () => {
    expect(budgetOf(freshness(900, 1000))).toMatchObject({ used: 1, leftMinutes: -99 });
    expect(budgetOf(freshness(0, 0))).toBeNull();
    expect(shareOf(0, 0)).toBeNull();
  });
});

describe("days", () => {
  it("without runs are there too, and the worst run of a day wins", () => {
    const days = filledDays(3, [{ day: "2026-11-22", succeeded: 9, failed: 1, attention: 2, rows_written: 5 }], Date.parse("2026-11-23T00:10:00Z"));
    expect(days.map(({ day }) => day)).toEqual(["2026-11-21", "2026-11-22", "2026-11-23"]);
    expect(days.map(stateOfDay)).toEqual(["queued", "failed", "queued"]);
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
const entry = (at: string): TimelineEntry => ({ at, kind: "pause", run: null, text: "Paused." });

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
