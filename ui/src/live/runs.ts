import { create } from "zustand";
import type { Failure, Receipt, RunEvent, TableProgress, TableState } from "~/api/generated";
import type { StateName } from "~/shared/ui/State";

/** A table of a run that is under way. */
export interface LiveTable {
  table: string;
  state: StateName;
  /** About how many rows there are to read; null while unknown. */
  estimate: number | null;
  read: number;
  committed: number;
  rejected: number;
  bytes: number;
  /** Rows read per second over the last few seconds; null before the first measurement. */
  rate: number | null;
  note: string | null;
  failure: Failure | null;
}

/** A moment of a run, for the chart and the rates. */
export interface Sample {
  elapsedMs: number;
  read: number;
  committed: number;
  bytes: number;
  prepared: number;
  /** Where the time went: all tables together. */
  sourceMs: number;
  prepareMs: number;
  destinationMs: number;
  tables: Readonly<Record<string, number>>;
}

export interface LiveRun {
  run: string;
  connection: string;
  tables: readonly LiveTable[];
  elapsedMs: number;
  /** When something last moved, by `performance.now()`. */
  movedAt: number;
  /** The longest time in this run in which nothing moved and then did. */
  silentMs: number;
  samples: readonly Sample[];
  /** When the first rows became durable, in ms since the run began. */
  firstRowsMs: number | null;
  retry: { attempt: number; at: number; failure: Failure } | null;
  receipt: Receipt | null;
}

const SAMPLES_MAX = 1_200; // five minutes at four a second
const RATE_WINDOW_MS = 3_000;

const ended: Record<TableState, StateName> = {
  queued: "queued",
  done: "done",
  done_with_rejected: "done_with_rejected",
  needs_decision: "needs_decision",
  stopped: "stopped",
  failed: "failed",
};

export function started(run: string, connection: string, tables: readonly string[], now: number): LiveRun {
  return {
    run,
    connection,
    tables: tables.map(queued),
    elapsedMs: 0,
    movedAt: now,
    silentMs: 0,
    samples: [],
    firstRowsMs: null,
    retry: null,
    receipt: null,
  };
}

function queued(table: string): LiveTable {
  return {
    table,
    state: "queued",
    estimate: null,
    read: 0,
    committed: 0,
    rejected: 0,
    bytes: 0,
    rate: null,
    note: null,
    failure: null,
  };
}

/** A window that opens in the middle of a run meets tables it has not heard of. */
function withTables(known: readonly LiveTable[], names: readonly string[]): readonly LiveTable[] {
  const missing = names.filter((name) => !known.some(({ table }) => table === name));
  return missing.length === 0 ? known : [...known, ...missing.map(queued)];
}

/** The run after an event. Pure, so that the monitor can be tested without an engine. */
export function heard(run: LiveRun, event: RunEvent, now: number): LiveRun {
  // Figures come four times a second also when nothing moves: a sync that stands still is told by what they say.
  const next: LiveRun = moved(run, event) ? { ...run, movedAt: now, silentMs: Math.max(run.silentMs, now - run.movedAt) } : { ...run };
  const change = (table: string, change: (before: LiveTable) => Partial<LiveTable>) => {
    next.tables = withTables(next.tables, [table]).map((each) => (each.table === table ? { ...each, ...change(each) } : each));
  };
  switch (event.event) {
    case "run_started":
      return started(event.run, event.connection, event.tables, now);
    case "table_started":
      next.retry = null;
      change(event.table, () => ({ state: "reading", estimate: event.rows_estimate, note: null }));
      return next;
    case "progress":
      return progressed(next, event);
    case "waiting":
      change(event.table, () => ({ state: event.reason === null ? "reading" : "waiting", note: event.reason }));
      return next;
    case "committed":
      next.firstRowsMs ??= event.rows > 0 ? run.elapsedMs : null;
      change(event.table, ({ committed }) => ({ committed: committed + event.rows }));
      return next;
    case "table_ended":
      change(event.table, () => ({
        state: ended[event.state],
        committed: event.rows,
        rate: null,
        note: null,
        failure: event.failure,
      }));
      return next;
    case "retrying":
      next.retry = { attempt: event.attempt, at: now + event.in_ms, failure: event.failure };
      next.tables = next.tables.map((each) =>
        each.state === "reading" || each.state === "waiting" ? { ...each, state: "retrying", rate: null } : each,
      );
      return next;
    case "run_ended":
      next.receipt = event.receipt;
      next.retry = null;
      next.elapsedMs = event.receipt.duration_ms;
      return next;
    default:
      return next;
  }
}

function moved(run: LiveRun, event: RunEvent): boolean {
  if (event.event !== "progress") return true;
  const last = run.samples.at(-1);
  const sum = (of: (table: TableProgress) => number) => event.tables.reduce((all, table) => all + of(table), 0);
  return last === undefined || sum((table) => table.rows_read) !== last.read || sum((table) => table.rows_committed) !== last.committed;
}

function progressed(run: LiveRun, event: Extract<RunEvent, { event: "progress" }>): LiveRun {
  const byName = new Map(event.tables.map((table) => [table.table, table]));
  const total = { read: 0, committed: 0, bytes: 0, prepared: 0, sourceMs: 0, prepareMs: 0, destinationMs: 0 };
  const perTable: Record<string, number> = {};
  for (const table of event.tables) {
    total.read += table.rows_read;
    total.committed += table.rows_committed;
    total.bytes += table.bytes;
    total.prepared += table.rows_prepared;
    total.sourceMs += table.source_ms;
    total.prepareMs += table.prepare_ms;
    total.destinationMs += table.destination_ms;
    perTable[table.table] = table.rows_read;
  }
  const sample: Sample = { elapsedMs: event.elapsed_ms, ...total, tables: perTable };
  const samples = [...run.samples, sample].slice(-SAMPLES_MAX);
  const from = windowStart(samples);
  return {
    ...run,
    elapsedMs: event.elapsed_ms,
    samples,
    tables: withTables(run.tables, [...byName.keys()]).map((table) => {
      const figures = byName.get(table.table);
      if (!figures || isOver(table.state)) return table;
      return {
        ...table,
        // While the next attempt is waited for, figures come all the same.
        state: table.state === "queued" || (table.state === "retrying" && !run.retry) ? "reading" : table.state,
        read: figures.rows_read,
        committed: figures.rows_committed,
        rejected: figures.rows_rejected,
        bytes: figures.bytes,
        rate: from ? perSecond(figures.rows_read - (from.tables[table.table] ?? 0), event.elapsed_ms - from.elapsedMs) : null,
      };
    }),
  };
}

const over: ReadonlySet<StateName> = new Set(["done", "done_with_rejected", "needs_decision", "stopped", "failed"]);

export function isOver(state: StateName): boolean {
  return over.has(state);
}

/** The first sample of the window that rates are measured over; none before there are two. */
function windowStart(samples: readonly Sample[]): Sample | undefined {
  const last = samples.at(-1);
  if (!last || samples.length < 2) return undefined;
  return samples.find((sample) => last.elapsedMs - sample.elapsedMs <= RATE_WINDOW_MS && sample !== last);
}

function perSecond(amount: number, ms: number): number | null {
  return ms > 0 ? Math.max(0, (amount / ms) * 1000) : null;
}

export interface Rates {
  read: number;
  prepared: number;
  committed: number;
  bytes: number;
}

/** What a sync waits for. */
export type Bottleneck = "source" | "prepare" | "destination";

/** Where most of the time of the last seconds went; none before it is known. */
export function bottleneckOf(run: LiveRun): Bottleneck | null {
  const last = run.samples.at(-1);
  if (!last) return null;
  const from = windowStart(run.samples);
  const spent = (key: "sourceMs" | "prepareMs" | "destinationMs") => last[key] - (from?.[key] ?? 0);
  const parts: [Bottleneck, number][] = [
    ["source", spent("sourceMs")],
    ["prepare", spent("prepareMs")],
    ["destination", spent("destinationMs")],
  ];
  const [slowest, ms] = parts.reduce((most, part) => (part[1] > most[1] ? part : most));
  return ms > 0 ? slowest : null;
}

/** Rows and bytes a second over the last seconds of the run; none before it can be known. */
export function ratesOf(run: LiveRun): Rates | null {
  const last = run.samples.at(-1);
  const from = windowStart(run.samples);
  if (!last || !from || last.elapsedMs === from.elapsedMs) return null;
  const rate = (key: keyof Rates) => perSecond(last[key] - from[key], last.elapsedMs - from.elapsedMs) ?? 0;
  return { read: rate("read"), prepared: rate("prepared"), committed: rate("committed"), bytes: rate("bytes") };
}

const STABLE_MS = 20_000;

/** How long it still takes; only when all totals are known and the rate has been watched for 20 seconds. */
export function leftMs(run: LiveRun): number | null {
  const rates = ratesOf(run);
  if (!rates || rates.read === 0 || run.elapsedMs < STABLE_MS) return null;
  let left = 0;
  for (const table of run.tables) {
    if (isOver(table.state)) continue;
    if (table.estimate === null) return null;
    left += Math.max(0, table.estimate - table.read);
  }
  return (left / rates.read) * 1000;
}

interface LiveRuns {
  runs: Readonly<Record<string, LiveRun>>;
  hear: (run: string, connection: string, event: RunEvent) => void;
}

export const useLiveRuns = create<LiveRuns>()((set) => ({
  runs: {},
  hear: (id, connection, event) =>
    set(({ runs }) => {
      const now = performance.now();
      const run = runs[id] ?? started(id, connection, event.event === "run_started" ? event.tables : [], now);
      return { runs: { ...runs, [id]: heard(run, event, now) } };
    }),
}));

/** The run of a connection that has not ended, when there is one. */
export function useRunning(connection: string): LiveRun | undefined {
  return useLiveRuns(({ runs }) => Object.values(runs).find((run) => run.connection === connection && !run.receipt));
}

/** Whether a connection is syncing, for those whom its figures do not concern. */
export function useIsRunning(connection: string): boolean {
  return useLiveRuns(({ runs }) => Object.values(runs).some((run) => run.connection === connection && !run.receipt));
}
