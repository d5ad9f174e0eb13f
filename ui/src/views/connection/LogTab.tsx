import { ArrowDownToLine, OctagonX, ScrollText, WrapText } from "lucide-react";
import { type KeyboardEvent, useCallback, useMemo, useState } from "react";
import { useAnswer } from "~/api/client";
import type { LogLine, LogMatch, RunSummary } from "~/api/generated";
import { LogFilters, LogSearchBar } from "~/domains/log/LogBar";
import { LogLines, type LogTarget } from "~/domains/log/LogLines";
import { type LogFilter, type LogSearch, linesOf } from "~/domains/log/model";
import { useLogFind } from "~/domains/log/useLogFind";
import { usePlatform } from "~/platform";
import { type Command, useCommands } from "~/shared/commands";
import { useSettings } from "~/shared/settings";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Answer } from "~/shared/ui/Answer";
import { Button, IconButton } from "~/shared/ui/Button";
import { Empty } from "~/shared/ui/feedback";
import { Problem } from "~/shared/ui/Problem";
import { toast } from "~/shared/ui/toast";
import type { PartProps } from "./ConnectionView";

const LINES_MAX = 5_000;
/** Lines at the end that are shown while a run writes them. */
const FOLLOWED = 1_000;
const FOLLOW_EVERY_MS = 1_000;
/** How many lines before the one that is jumped to are shown with it. */
const LINES_BEFORE = 200;

/** The log of a run; search and filters run in the engine over the whole file. */
export function LogTab({ name, detail, run, table }: PartProps) {
  const text = useText();
  const runs = useAnswer("runs.list", { connection: name, limit: 50 });
  return (
    <Answer of={runs} doing={text("history.loading")}>
      {(list) =>
        list.length === 0 && !run ? (
          <Empty icon={ScrollText} sentence={text("log.noRun")} />
        ) : (
          <Log
            runs={list}
            first={run ?? list[0]?.run ?? ""}
            tables={detail.tables.map((each) => each.table)}
            firstTable={table}
          />
        )
      }
    </Answer>
  );
}

interface LogProps {
  runs: readonly RunSummary[];
  first: string;
  tables: readonly string[];
  firstTable: string | undefined;
}

function Log({ runs, first, tables, firstTable }: LogProps) {
  const text = useText();
  const platform = usePlatform();
  const lettersAct = useSettings((settings) => settings.letterKeys);
  const [filter, setFilter] = useState<LogFilter>({ run: first, level: null, stage: null, table: firstTable ?? "" });
  const [search, setSearch] = useState<LogSearch>({ text: "", expression: false, only: false });
  const [wrap, setWrap] = useState(false);
  /** How many lines come before those that are shown. */
  const [from, setFrom] = useState(0);
  const [left, setLeft] = useState(false);
  // A new object for each jump, so that a second one to the same line works too.
  const [target, setTarget] = useState<LogTarget | null>(null);
  const working = runs.some((run) => run.run === filter.run && run.outcome === null && !run.interrupted);
  const follow = working && !left;

  const only = search.only && search.text !== "" ? { text: search.text, expression: search.expression } : null;
  const lines = useMemo(() => linesOf(filter), [filter]);
  // While it is written: how long it is by now. Nothing else of it is asked for.
  const end = useAnswer("run.log", { lines, from: 0, limit: 0, only }, { keep: true, enabled: working, every: FOLLOW_EVERY_MS });
  const length = end.data?.total ?? 0;
  const begin = follow ? Math.max(0, length - FOLLOWED) : from;
  // The length is part of what is asked, so that a longer log is another answer.
  const limit = follow ? Math.max(1, length - begin) : LINES_MAX;
  const answer = useAnswer("run.log", { lines, from: begin, limit, only }, { keep: true });
  const page = answer.data;

  const goTo = useCallback((line: number, position: number, shown: readonly LogLine[], focus: boolean) => {
    setLeft(true);
    setTarget({ line, focus });
    if (!shown.some(({ n }) => n === line)) setFrom(Math.max(0, position - LINES_BEFORE));
  }, []);
  const shown = page?.lines ?? none;
  const show = useCallback(
    (hit: LogMatch) => goTo(hit.n, search.only ? hit.ordinal - 1 : hit.position, shown, false),
    [goTo, search.only, shown],
  );
  const find = useLogFind(filter, search, shown[0]?.n ?? 1, show);
  // What is filtered anew is read from its beginning.
  const change = useCallback((next: Partial<LogFilter>) => {
    setFilter((before) => ({ ...before, ...next }));
    setFrom(0);
    setLeft(false);
    setTarget(null);
  }, []);
  const error = page?.first_error ?? null;
  const toError = useCallback(() => {
    if (!error) return;
    // A line that a filter leaves out: the whole log around it is shown.
    if (!shown.some(({ n }) => n === error.n)) {
      change({ level: null, stage: null, table: "" });
      setSearch((before) => ({ ...before, only: false }));
    }
    goTo(error.n, error.n - 1, shown, true);
  }, [error, shown, goTo, change]);
  const commands = useMemo<Command[]>(
    () => [{ id: "log.firstError", title: text("log.firstError"), group: "view", icon: OctagonX, disabled: error === null, run: toError }],
    [text, error, toError],
  );
  useCommands(commands);
  const onKey = (event: KeyboardEvent) => {
    if (!lettersAct || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    if (key === "n") find.step(event.shiftKey);
    if (key === "e") find.nextError(target?.line ?? 0);
  };
  const copy = async () => {
    const copied = shown.map((line) => `${line.time} ${line.level} ${line.stage} ${line.table ?? ""} ${line.text}`);
    await platform.copy(copied.join("\n"));
    toast({ title: text("common.copied") });
  };
  const unfiltered = only === null && filter.level === null && filter.stage === null && filter.table === "";
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="flex min-h-12 shrink-0 flex-wrap items-center gap-3 border-b border-border px-6 py-2">
        <LogFilters filter={filter} runs={runs} tables={tables} onChange={change} />
        <LogSearchBar
          search={search}
          find={find}
          onChange={(next) => {
            setSearch({ ...search, ...next });
            if (next.only !== undefined) setFrom(0);
          }}
        />
        <div className="ms-auto flex items-center gap-2">
          <Size total={page?.total} bytes={page?.bytes} />
          <IconButton icon={WrapText} label={text("log.wrap")} pressed={wrap} onClick={() => setWrap(!wrap)} />
          <Button size="small" onClick={() => void copy()}>
            {text("log.copy")}
          </Button>
        </div>
      </div>
      {error && <FirstError line={error} onJump={toError} />}
      {find.error !== null && <Problem error={find.error} className="mx-6 my-3" />}
      <Answer of={answer} doing={text("log.loading")} rows={12}>
        {({ lines: window, total }) =>
          window.length === 0 ? (
            <Empty sentence={text(unfiltered ? "log.empty" : "log.noMatch")} />
          ) : (
            <>
              <LogLines
                key={`${filter.run} ${follow ? "end" : from}`}
                lines={window}
                wrap={wrap}
                search={search}
                target={target}
                follow={follow}
                onEnd={(atEnd) => {
                  if (working && !atEnd && follow) setFrom(begin);
                  if (working && !atEnd) setLeft(true);
                }}
                onKey={onKey}
              />
              {working && left && (
                <NewLines count={Math.max(0, length - from - window.length)} onFollow={() => setLeft(false)} />
              )}
              {!follow && <Windows from={from} shown={window.length} total={total} onFrom={setFrom} />}
            </>
          )
        }
      </Answer>
    </div>
  );
}

const none: readonly LogLine[] = [];

function Size({ total, bytes }: { total: number | undefined; bytes: number | undefined }) {
  const text = useText();
  const format = useFormat();
  return (
    <span role="status" className="num text-ink-muted">
      {total !== undefined && bytes !== undefined && text("log.size", { count: total, bytes: format.bytes(bytes) })}
    </span>
  );
}

/** Stays in sight wherever somebody reads: most people come for it. */
function FirstError({ line, onJump }: { line: LogLine; onJump: () => void }) {
  const text = useText();
  const format = useFormat();
  return (
    <div className="flex shrink-0 items-center gap-3 border-b border-border bg-bad-soft px-6 py-1 text-bad">
      <OctagonX size={16} strokeWidth={1.5} aria-hidden className="shrink-0" />
      <span className="num shrink-0" title={format.moment(line.time)}>
        {format.clock(line.time)}
      </span>
      {line.table && <bdi className="shrink-0 font-medium">{line.table}</bdi>}
      <span className="min-w-0 flex-1 truncate" title={line.text}>
        {line.text}
      </span>
      <Button size="small" onClick={onJump}>
        {text("log.firstError")}
      </Button>
    </div>
  );
}

/** Lines that came while somebody reads further up. Nothing is scrolled away from them. */
function NewLines({ count, onFollow }: { count: number; onFollow: () => void }) {
  const text = useText();
  return (
    <div className="flex h-10 shrink-0 items-center justify-center border-t border-border">
      <Button size="small" icon={ArrowDownToLine} onClick={onFollow}>
        {count > 0 ? text("log.newLines", { count }) : text("log.follow")}
      </Button>
    </div>
  );
}

/** The way through a log that is longer than what is shown at once. */
function Windows({ from, shown, total, onFrom }: { from: number; shown: number; total: number; onFrom: (from: number) => void }) {
  const text = useText();
  const format = useFormat();
  if (from === 0 && shown >= total) return null;
  return (
    <div className="flex h-10 shrink-0 items-center gap-3 border-t border-border px-6">
      <span className="num text-ink-muted">
        {text("log.window", { first: format.exact(from + 1), last: format.exact(from + shown), total: format.exact(total) })}
      </span>
      <Button size="small" disabled={from === 0} onClick={() => onFrom(Math.max(0, from - LINES_MAX))}>
        {text("log.earlier")}
      </Button>
      <Button size="small" disabled={from + shown >= total} onClick={() => onFrom(from + shown)}>
        {text("log.later")}
      </Button>
      <Button size="small" disabled={from + shown >= total} onClick={() => onFrom(Math.max(0, total - LINES_MAX))}>
        {text("log.toEnd")}
      </Button>
    </div>
  );
}
