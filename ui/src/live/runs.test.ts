import { describe, expect, it } from "vitest";
import type { RunEvent } from "~/api/generated";
import { bottleneckOf, heard, type LiveRun, leftMs, ratesOf, started } from "./runs";

const progress = (elapsed_ms: number, read: number, committed = 0, [source_ms, prepare_ms, destination_ms] = [0, 0, 0]): RunEvent => ({
  event: "progress",
  elapsed_ms,
  tables: [
    {
      table: "orders",
      rows_read: read,
      rows_committed: committed,
      rows_rejected: 0,
      bytes: read * 10,
      rows_prepared: read,
      source_ms: source_ms ?? 0,
      prepare_ms: prepare_ms ?? 0,
      destination_ms: destination_ms ?? 0,
    },
  ],
});

function after(events: readonly RunEvent[], run: LiveRun = started("r", "shop", ["orders"], 0)): LiveRun {
  return events.reduce((now, event, at) => heard(now, event, at), run);
}

const begun: RunEvent = { event: "table_started", table: "orders", rows_estimate: 100_000, full: true, resumed: false };

describe("a run under way", () => {
  it("has no rates before two measurements, then those of the last seconds", () => {
    expect(ratesOf(after([begun, progress(250, 100)]))).toBeNull();
    const run = after([begun, progress(0, 0), progress(10_000, 1_000), progress(12_000, 9_000)]);
    expect(ratesOf(run)?.read).toBe(4_000);
    expect(run.tables[0]?.rate).toBe(4_000);
  });

  it("says how long it takes only when the total is known and the rate is stable", () => {
    const steady = [begun, progress(28_000, 28_000), progress(30_000, 30_000)];
    expect(leftMs(after(steady))).toBe(70_000);
    expect(leftMs(after([begun, progress(1_000, 1_000), progress(2_000, 2_000)]))).toBeNull();
    const unknown: RunEvent = { ...begun, rows_estimate: null };
    expect(leftMs(after([unknown, ...steady.slice(1)]))).toBeNull();
  });

  it("remembers when the first rows became durable", () => {
    const run = after([begun, progress(750, 900), { event: "committed", table: "orders", ordinal: 1, rows: 900 }]);
    expect(run.firstRowsMs).toBe(750);
    expect(heard(run, { event: "committed", table: "orders", ordinal: 2, rows: 5 }, 9).firstRowsMs).toBe(750);
  });

  it("shows waiting with its reason, and a retry for what was not finished", () => {
    const waiting = after([begun, { event: "waiting", table: "orders", reason: "rate limited" }]);
    expect(waiting.tables[0]).toMatchObject({ state: "waiting", note: "rate limited" });
    const failure = { kind: "connection_lost", message: "The connection broke.", meaning: "", fixes: [], details: [] } as const;
    const retrying = heard(waiting, { event: "retrying", attempt: 2, in_ms: 4_000, failure: { ...failure, fixes: [], details: [] } }, 1_000);
    expect(retrying.tables[0]?.state).toBe("retrying");
    expect(retrying.retry).toMatchObject({ attempt: 2, at: 5_000 });
    expect(heard(retrying, progress(750, 0), 2_000).tables[0]?.state, "figures come meanwhile").toBe("retrying");
    expect(heard(retrying, begun, 5_000)).toMatchObject({ retry: null, tables: [{ state: "reading" }] });
  });

  it("does not let late progress touch a table that ended", () => {
    const done = after([begun, { event: "table_ended", table: "orders", state: "done", rows: 120, failure: null }, progress(900, 500, 80)]);
    expect(done.tables[0]).toMatchObject({ state: "done", committed: 120 });
  });

  it("shows tables that began before the window was opened", () => {
    const late = after([progress(60_000, 4_000, 3_000)], started("r", "shop", [], 0));
    expect(late.tables).toMatchObject([{ table: "orders", state: "reading", read: 4_000, committed: 3_000 }]);
  });

  it("does not take figures that stand still for a sign of life", () => {
    const events = [begun, progress(0, 100), progress(250, 100), progress(500, 100)];
    const still = after(events);
    expect(still.movedAt).toBe(1);
    const again = heard(still, progress(750, 200), 40_000);
    expect(again).toMatchObject({ movedAt: 40_000, silentMs: 39_999 });
  });

  it("names what the last seconds were spent on", () => {
    expect(bottleneckOf(after([begun]))).toBeNull();
    expect(bottleneckOf(after([begun, progress(0, 1)]))).toBeNull();
    const source = [begun, progress(0, 1, 0, [0, 0, 0]), progress(1_000, 2, 0, [900, 10, 50])];
    expect(bottleneckOf(after(source))).toBe("source");
    expect(bottleneckOf(after([...source, progress(5_000, 3, 0, [950, 20, 3_000]), progress(6_000, 4, 0, [960, 30, 3_900])]))).toBe("destination");
  });

  it("keeps at most five minutes of samples", () => {
    const run = after(Array.from({ length: 3_000 }, (_, at) => progress(at * 250, at)));
    expect(run.samples).toHaveLength(1_200);
  });
});
