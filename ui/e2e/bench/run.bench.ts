import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { type DesktopWindow, until } from "../support/window";
import { Desk } from "./desk";
import { quantile, report } from "./figures";

/** Enough for a run of some ten seconds: opening the page must not outweigh watching it. */
const ROWS = 12_000_000;
const SCHEMA = `create table orders as select n as id, n % 1000 as customer, n * 0.01 as amount, md5(n::text) as note,
  timestamp '2024-01-01' + n * interval '1 second' as at from generate_series(1, ${ROWS}) n; alter table orders add primary key (id)`;
const PAIRS = 3;
const CPU_MAX_PERCENT = 10;
const SLOWDOWN_MAX_PERCENT = 3;
/** Of the kernel: clock ticks are hundredths of a second on every Linux there is. */
const TICK_MS = 10;

interface RunRow {
  duration_ms: number | null;
  outcome: string | null;
}

describe("a run at full speed", () => {
  let desk: Desk;
  let window: DesktopWindow;
  let pages: string;
  beforeAll(async () => {
    desk = await Desk.open([SCHEMA]);
    ({ window } = desk);
    pages = await window.run<string>("return location.href.split('#')[0]", []);
    // Everything each time: all runs do the same.
    await desk.connect("orders", { name: "public.orders", mode: "replace" });
  });
  afterAll(() => desk?.close());

  /** Runs once, watched or with no page in the window at all; how long it took, and what the page used of a core. */
  async function once(watched: boolean): Promise<{ ms: number; percent: number }> {
    const known = (await window.ask<RunRow[]>("runs.list", { connection: "orders", limit: 50 })).length;
    const { run } = await window.ask<{ run: string }>("run.start", { connection: "orders", tables: [], fingerprint: null });
    await window.run(watched ? `location.hash = '#/connections/orders/run?run=${run}'` : "location.href = 'about:blank'", []);
    const views = await viewsOf(window.pid);
    const [before, begun] = [await ticks(views), performance.now()];
    const logs = join(desk.folder, "studio", ".syncline", "logs");
    await until("the run ends", async () => (await said(logs)).filter((line) => line.includes('"run ended"')).length > known);
    const percent = (((await ticks(views)) - before) * TICK_MS * 100) / (performance.now() - begun);
    if (!watched) {
      await window.run(`location.href = '${pages}#/runs'`, []);
      await window.sees("orders");
    }
    const [last] = await window.ask<RunRow[]>("runs.list", { connection: "orders", limit: 1 });
    if (last?.outcome !== "succeeded" || last.duration_ms === null) throw new Error(`the run ended as ${last?.outcome}`);
    return { ms: last.duration_ms, percent };
  }

  it("is hardly slower when the window watches", async () => {
    await once(true);
    const watched: Awaited<ReturnType<typeof once>>[] = [];
    const alone: Awaited<ReturnType<typeof once>>[] = [];
    for (let pair = 0; pair < PAIRS; pair += 1) {
      watched.push(await once(true));
      alone.push(await once(false));
    }
    const median = (of: typeof watched) => quantile(of.map(({ ms }) => ms), 0.5);
    const per = (ms: number) => `${Math.round(ROWS / ms)} thousand rows a second`;
    await report({
      name: `what the page of a run uses of a core, ${ROWS.toLocaleString("en")} rows from Postgres into DuckDB: median of ${PAIRS}`,
      value: quantile(watched.map(({ percent }) => percent), 0.5),
      unit: "%",
      goal: CPU_MAX_PERCENT,
    });
    await report({
      name: `how much longer a run takes when it is watched: medians of ${PAIRS}`,
      value: (median(watched) / median(alone) - 1) * 100,
      unit: "%",
      goal: SLOWDOWN_MAX_PERCENT,
      note: `watched ${Math.round(median(watched))} ms (${per(median(watched))}), alone ${Math.round(median(alone))} ms (${per(median(alone))})`,
    });
  });
});

/** The processes that draw the page. */
async function viewsOf(pid: number): Promise<number[]> {
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const all = await Promise.all(
    ids.map(async (id) => {
      const stat = await readFile(`/proc/${id}/stat`, "utf8").catch(() => "");
      const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      return { id, parent, exe: await readlink(`/proc/${id}/exe`).catch(() => "") };
    }),
  );
  return all.filter(({ parent, exe }) => parent === pid && exe.endsWith("WebKitWebProcess")).map(({ id }) => id);
}

/** Processor time of them so far, in clock ticks. */
async function ticks(pids: readonly number[]): Promise<number> {
  const each = pids.map(async (pid) => {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(fields[11]) + Number(fields[12]);
  });
  return (await Promise.all(each)).reduce((all, one) => all + one, 0);
}

async function said(logs: string): Promise<string[]> {
  const files = (await readdir(logs)).filter((name) => name.endsWith(".jsonl"));
  return (await Promise.all(files.map((name) => readFile(join(logs, name), "utf8")))).flatMap((text) => text.split("\n"));
}
