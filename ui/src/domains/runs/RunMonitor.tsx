import clsx from "clsx";
import { CircleStop, Clock, Pause, RotateCw, ScrollText } from "lucide-react";
import { lazy, type ReactNode, Suspense, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import type { ErrorKind } from "~/api/generated";
import { type Bottleneck, bottleneckOf, isOver, type LiveRun, leftMs, ratesOf } from "~/live/runs";
import { type Command, useCommands } from "~/shared/commands";
import { type MessageId, useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Button } from "~/shared/ui/Button";
import { Dialog } from "~/shared/ui/Dialog";
import { Fault } from "~/shared/ui/Fault";
import { faultOf } from "./fault";
import { LiveTables } from "./LiveTables";

const RateChart = lazy(() => import("./RateChart"));

const SILENT_MS = 30_000;

/** How a person asked the run to end; null while it goes on. */
export type Ending = "pausing" | "stopping" | null;

interface RunMonitorProps {
  run: LiveRun;
  ending: Ending;
  /** Finishes what is being read, keeps it, and ends. */
  onPause: () => void | Promise<void>;
  /** Ends now; what is not durable is dropped. */
  onStop: () => void;
  /** Tries again at once instead of waiting. */
  onHurry: () => void;
  onLog: () => void;
  /** Why the run could not be paused or stopped. */
  problem?: ReactNode;
}

/** A run that is under way: what it does, how fast, and for what it waits. */
export function RunMonitor({ run, ending, onPause, onStop, onHurry, onLog, problem }: RunMonitorProps) {
  const text = useText();
  const [asking, setAsking] = useState(false);
  const commands = useMemo<Command[]>(
    () => [
      {
        id: "run.pause",
        title: text("run.pause"),
        group: "run",
        icon: Pause,
        shortcut: "mod+.",
        words: "finish later",
        disabled: ending !== null,
        run: () => void onPause(),
      },
      {
        id: "run.stop",
        title: text("run.stop"),
        group: "run",
        icon: CircleStop,
        shortcut: "mod+shift+.",
        words: "cancel abort",
        disabled: ending === "stopping",
        run: () => setAsking(true),
      },
    ],
    [text, ending, onPause],
  );
  useCommands(commands);
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="flex flex-col gap-3 border-b border-border px-6 py-4">
        <div className="flex items-start gap-4">
          <Headline run={run} ending={ending} />
          <div className="ms-auto flex shrink-0 gap-2">
            <Button icon={Pause} shortcut="mod+." disabled={ending !== null} title={text("run.pauseHelp")} onClick={() => void onPause()}>
              {text("run.pause")}
            </Button>
            <Button icon={CircleStop} shortcut="mod+shift+." disabled={ending === "stopping"} onClick={() => setAsking(true)}>
              {text("run.stop")}
            </Button>
          </div>
        </div>
        {problem}
        <Pipeline run={run} />
        <Suspense fallback={<div className="h-24" />}>
          <RateChart samples={run.samples} />
        </Suspense>
        <Trouble run={run} onHurry={onHurry} onPause={() => void onPause()} onStop={() => setAsking(true)} onLog={onLog} />
      </div>
      <div className="min-h-0 flex-1 overflow-auto">
        <LiveTables tables={run.tables} />
      </div>
      <Announcer run={run} ending={ending} />
      <StopDialog
        run={run}
        open={asking}
        onClose={() => setAsking(false)}
        onStop={() => {
          setAsking(false);
          onStop();
        }}
      />
    </div>
  );
}

const endingWords: Record<NonNullable<Ending>, MessageId> = { pausing: "run.pausing", stopping: "run.stopping" };

function Headline({ run, ending }: { run: LiveRun; ending: Ending }) {
  const text = useText();
  const format = useFormat();
  const now = useNow(run.retry !== null);
  const done = run.tables.filter((table) => isOver(table.state)).length;
  const failed = run.tables.filter((table) => table.state === "failed").length;
  const rows = run.tables.reduce((sum, table) => sum + table.committed, 0);
  const rates = ratesOf(run);
  const left = leftMs(run);
  const facts = [
    text("run.ofTables", { done, count: run.tables.length }),
    rows > 0 && text("run.rows", { rows: format.count(rows) }),
    rates && text("run.rowsRate", { rate: format.count(Math.round(rates.read)) }),
    rates && text("run.bytesRate", { rate: format.bytes(rates.bytes) }),
    // Less than a second is not yet worth a figure.
    run.elapsedMs >= 1000 && text("run.elapsed", { duration: format.duration(Math.floor(run.elapsedMs / 1000) * 1000) }),
    left !== null && text("run.left", { duration: format.duration(Math.round(left / 1000) * 1000) }),
  ].filter(Boolean);
  const title = ending
    ? text(endingWords[ending])
    : run.retry
      ? text("run.retrying", { seconds: Math.max(0, Math.ceil((run.retry.at - now) / 1000)), attempt: run.retry.attempt })
      : text(run.firstRowsMs === null ? "run.syncing" : "run.firstRows");
  return (
    <div className="min-w-0">
      <h2 className="flex items-center gap-2 text-title">
        {run.firstRowsMs !== null && !run.retry && !ending && <span aria-hidden className="size-2 rounded-pill bg-spark" />}
        {title}
        {run.firstRowsMs !== null && !run.retry && !ending && (
          <span className="text-body font-normal text-ink-muted">
            {text("run.firstRowsAfter", { duration: format.duration(run.firstRowsMs) })}
          </span>
        )}
      </h2>
      <p className="num m-0 text-ink-muted">{facts.join(" · ")}</p>
      {failed > 0 && <p className="m-0 text-bad">{text("run.needYou", { count: failed, total: run.tables.length })}</p>}
    </div>
  );
}

const slowest: Record<Bottleneck, MessageId> = {
  source: "run.slowest.source",
  prepare: "run.slowest.prepare",
  destination: "run.slowest.destination",
};

/** The way of the rows with the rate of each stage, and what all of it waits for. */
function Pipeline({ run }: { run: LiveRun }) {
  const text = useText();
  const format = useFormat();
  const rates = ratesOf(run);
  const bottleneck = bottleneckOf(run);
  const box = (stage: Bottleneck, label: string, color: string, rate: number | undefined) => (
    <div className={clsx("flex items-center gap-2 rounded-control border px-2 py-1", stage === bottleneck ? "border-border-strong bg-sunken" : "border-border")}>
      <span aria-hidden className={`h-0.5 w-4 ${color}`} />
      <span>{label}</span>
      {/* As wide as its widest figure, so that nothing moves sideways. */}
      <span className="num w-28 text-right whitespace-nowrap text-ink-muted">
        {rate === undefined ? "–" : text("run.rowsRate", { rate: format.count(Math.round(rate)) })}
      </span>
    </div>
  );
  const arrow = (
    <span aria-hidden className="text-ink-subtle">
      →
    </span>
  );
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
      {box("source", text("run.read"), "bg-run", rates?.read)}
      {arrow}
      {box("prepare", text("run.prepare"), "bg-border-strong", rates?.prepared)}
      {arrow}
      {box("destination", text("run.write"), "bg-accent", rates?.committed)}
      {bottleneck && <span className="font-medium">{text(slowest[bottleneck])}</span>}
    </div>
  );
}

interface TroubleProps {
  run: LiveRun;
  onHurry: () => void;
  onPause: () => void;
  onStop: () => void;
  onLog: () => void;
}

/** Why it does not go on just now, in words, with what can be done about it. */
function Trouble({ run, onHurry, onPause, onStop, onLog }: TroubleProps) {
  const text = useText();
  const now = useNow(true);
  const online = useOnline();
  const { retry } = run;
  if (retry) {
    const { failure } = retry;
    // A computer without any network cannot reach anything but itself.
    const offline = !online && away.has(failure.kind);
    return (
      <Fault
        mild
        fault={{
          ...faultOf(failure),
          ...(offline && { message: text("run.offline"), meaning: text("run.offlineMeaning", { message: failure.message }) }),
          fixes: failure.fixes.map((label) => ({ label, action: null })),
        }}
        actions={
          <Button size="small" icon={RotateCw} onClick={onHurry}>
            {text("run.tryNow")}
          </Button>
        }
      />
    );
  }
  const under = run.tables.filter(({ state }) => !isOver(state) && state !== "queued");
  const waits = under.find(({ state }) => state === "waiting");
  if (waits && under.every(({ state }) => state === "waiting")) {
    return (
      <Notice words={text("run.waits", { table: waits.table, reason: waits.note ?? "" })}>
        <Button size="small" icon={Pause} onClick={onPause}>
          {text("run.pause")}
        </Button>
      </Notice>
    );
  }
  return <Silence run={run} now={now} onStop={onStop} onLog={onLog} />;
}

const away: ReadonlySet<ErrorKind> = new Set(["unreachable", "connection_lost", "timeout"]);

const silences: Record<Bottleneck, MessageId> = {
  source: "run.silent.source",
  prepare: "run.silent.prepare",
  destination: "run.silent.destination",
};

/** Silence is the first reason why a sync feels stuck: it is said, with its length and what came of it before. */
function Silence({ run, now, onStop, onLog }: { run: LiveRun; now: number } & Pick<TroubleProps, "onStop" | "onLog">) {
  const text = useText();
  const format = useFormat();
  const silent = now - run.movedAt;
  if (silent < SILENT_MS) return null;
  const before = run.silentMs >= 10_000 ? ` ${text("run.silentBefore", { duration: format.duration(run.silentMs) })}` : "";
  const duration = format.duration(Math.floor(silent / 1000) * 1000);
  return (
    <Notice words={text(silences[bottleneckOf(run) ?? "source"], { duration }) + before}>
      <Button size="small" icon={ScrollText} onClick={onLog}>
        {text("run.openLog")}
      </Button>
      <Button size="small" icon={CircleStop} onClick={onStop}>
        {text("run.stop")}
      </Button>
    </Notice>
  );
}

function Notice({ words, children }: { words: string; children: ReactNode }) {
  return (
    <div role="status" className="flex items-center gap-3 rounded-card bg-warn-soft px-4 py-2 text-warn">
      <Clock size={16} strokeWidth={1.5} aria-hidden className="shrink-0" />
      <span className="min-w-0 flex-1">{words}</span>
      {children}
    </div>
  );
}

function useOnline(): boolean {
  return useSyncExternalStore(listenOnline, () => navigator.onLine);
}

function listenOnline(change: () => void): () => void {
  window.addEventListener("online", change);
  window.addEventListener("offline", change);
  return () => {
    window.removeEventListener("online", change);
    window.removeEventListener("offline", change);
  };
}

/** The clock of the page, each second while `ticking`. */
function useNow(ticking: boolean): number {
  const [now, setNow] = useState(() => performance.now());
  useEffect(() => {
    if (!ticking) return undefined;
    const timer = setInterval(() => setNow(performance.now()), 1000);
    return () => clearInterval(timer);
  }, [ticking]);
  return now;
}

function StopDialog({ run, open, onClose, onStop }: { run: LiveRun; open: boolean; onClose: () => void; onStop: () => void }) {
  const text = useText();
  const format = useFormat();
  const committed = run.tables.reduce((sum, table) => sum + table.committed, 0);
  const read = run.tables.reduce((sum, table) => sum + Math.max(table.read, table.committed), 0);
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title={text("run.stopTitle")}
      footer={
        <>
          <Button onClick={onClose}>{text("run.keepRunning")}</Button>
          <Button look="danger" onClick={onStop}>
            {text("run.stopNow")}
          </Button>
        </>
      }
    >
      <p className="m-0">{text("run.stopKept", { committed: format.exact(committed) })}</p>
      {read > committed && <p className="m-0">{text("run.stopDropped", { dropped: format.exact(read - committed) })}</p>}
      <p className="m-0 text-ink-muted">{text("run.stopNext")}</p>
    </Dialog>
  );
}

/** Tells screen readers the start, finished tables (several in one sentence), failures and nothing in between. */
function Announcer({ run, ending }: { run: LiveRun; ending: Ending }) {
  const text = useText();
  const told = useRef(new Set<string>());
  const [words, setWords] = useState(() => text("run.announceStart"));
  useEffect(() => {
    const fresh = run.tables.filter((table) => isOver(table.state) && !told.current.has(table.table));
    if (fresh.length === 0) return;
    for (const table of fresh) told.current.add(table.table);
    const failed = fresh.filter((table) => table.state === "failed");
    const fine = fresh.filter((table) => table.state !== "failed");
    setWords(
      [
        fine.length > 0 && text("run.announceTables", { tables: fine.map((table) => table.table).join(", ") }),
        ...failed.map((table) => text("run.announceFailed", { table: table.table })),
      ]
        .filter(Boolean)
        .join(". "),
    );
  }, [run.tables, text]);
  return (
    <p role="status" aria-live="polite" className="sr-only">
      {ending ? text(endingWords[ending]) : words}
    </p>
  );
}
