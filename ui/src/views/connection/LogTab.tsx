import { useVirtualizer } from "@tanstack/react-virtual";
import clsx from "clsx";
import { OctagonX, ScrollText, WrapText } from "lucide-react";
import { useCallback, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { useAnswer } from "~/api/client";
import type { LogLine, RunSummary } from "~/api/generated";
import { usePlatform } from "~/platform";
import { type Command, useCommands } from "~/shared/commands";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Answer } from "~/shared/ui/Answer";
import { Button, IconButton } from "~/shared/ui/Button";
import { Empty } from "~/shared/ui/feedback";
import { Checkbox } from "~/shared/ui/Field";
import { SearchInput } from "~/shared/ui/layout";
import { Select } from "~/shared/ui/Select";
import { toast } from "~/shared/ui/toast";
import type { PartProps } from "./ConnectionView";

const LINES_MAX = 5_000;
const LINE_PX = 20;
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

interface Filter {
  run: string;
  query: string;
  errors: boolean;
  /** Empty: all tables. */
  table: string;
  /** How many matching lines come before those that are shown. */
  from: number;
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
  const [filter, setFilter] = useState<Filter>({ run: first, query: "", errors: false, table: firstTable ?? "", from: 0 });
  const [wrap, setWrap] = useState(false);
  // A new object for each jump, so that a second one to the same line works too.
  const [target, setTarget] = useState<Target | null>(null);
  const search = useDeferredValue(filter.query.trim());
  const answer = useAnswer(
    "run.log",
    {
      run: filter.run,
      from: filter.from,
      limit: LINES_MAX,
      search: search === "" ? null : search,
      errors: filter.errors,
      ...(filter.table !== "" && { table: filter.table }),
    },
    { keep: true },
  );
  // What is filtered anew is read from its beginning.
  const change = (next: Partial<Filter>) => {
    setFilter({ ...filter, from: 0, ...next });
    setTarget(null);
  };
  const page = answer.data;
  const error = page?.first_error ?? null;
  const toError = useCallback(() => {
    if (error === null || !page) return;
    setTarget({ line: error });
    if (page.lines.some(({ n }) => n === error)) return;
    // The line is left out by a filter or lies in another window: the whole log around it is shown.
    setFilter(({ run }) => ({ run, query: "", errors: false, table: "", from: Math.max(0, error - LINES_BEFORE) }));
  }, [error, page]);
  const commands = useMemo<Command[]>(
    () => [{ id: "log.firstError", title: text("log.firstError"), group: "view", icon: OctagonX, disabled: error === null, run: toError }],
    [text, error, toError],
  );
  useCommands(commands);
  const copy = async () => {
    const lines = (page?.lines ?? []).map((line) => `${line.time} ${line.level} ${line.table ?? ""} ${line.text}`);
    await platform.copy(lines.join("\n"));
    toast({ title: text("common.copied") });
  };
  const unfiltered = search === "" && !filter.errors && filter.table === "";
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="flex min-h-12 shrink-0 flex-wrap items-center gap-3 border-b border-border px-6 py-2">
        <Filters filter={filter} runs={runs} tables={tables} onChange={change} />
        <Button
          size="small"
          icon={OctagonX}
          onClick={toError}
          blocked={page && error === null ? text("log.noError") : undefined}
        >
          {text("log.firstError")}
        </Button>
        <span role="status" className="num ms-auto text-ink-muted">
          {page && text("log.lines", { count: page.total })}
        </span>
        <IconButton icon={WrapText} label={text("log.wrap")} pressed={wrap} onClick={() => setWrap(!wrap)} />
        <Button size="small" onClick={() => void copy()}>
          {text("log.copy")}
        </Button>
      </div>
      <Answer of={answer} doing={text("log.loading")} rows={12}>
        {({ lines, total }) =>
          lines.length === 0 ? (
            <Empty sentence={text(unfiltered ? "log.empty" : "log.noMatch")} />
          ) : (
            <>
              <Lines key={`${filter.run} ${filter.from}`} lines={lines} wrap={wrap} search={search} target={target} />
              <Windows from={filter.from} shown={lines.length} total={total} onFrom={(from) => change({ from })} />
            </>
          )
        }
      </Answer>
    </div>
  );
}

interface FiltersProps {
  filter: Filter;
  runs: readonly RunSummary[];
  tables: readonly string[];
  onChange: (next: Partial<Filter>) => void;
}

function Filters({ filter, runs, tables, onChange }: FiltersProps) {
  const text = useText();
  const format = useFormat();
  return (
    <>
      <Select
        small
        label={text("log.run")}
        value={filter.run}
        onValue={(run) => onChange({ run })}
        choices={runs.map((each) => ({ value: each.run, label: format.moment(each.started_at) }))}
      />
      <Select
        small
        label={text("log.table")}
        value={filter.table}
        onValue={(table) => onChange({ table })}
        choices={[{ value: "", label: text("log.allTables") }, ...tables.map((table) => ({ value: table, label: table }))]}
      />
      <SearchInput label={text("log.search")} value={filter.query} onValue={(query) => onChange({ query })} className="w-56" />
      <Checkbox label={text("log.errors")} checked={filter.errors} onValue={(errors) => onChange({ errors })} />
    </>
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
    </div>
  );
}

const levels = { error: "text-bad", warn: "text-warn", info: "text-ink", debug: "text-ink-subtle" } as const;

interface Target {
  /** The number of a line in the whole log. */
  line: number;
}

interface LinesProps {
  lines: readonly LogLine[];
  wrap: boolean;
  search: string;
  /** The line to be shown and marked. */
  target: Target | null;
}

function Lines({ lines, wrap, search, target }: LinesProps) {
  const text = useText();
  const format = useFormat();
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE_PX,
    overscan: 20,
  });
  useEffect(() => {
    const at = target ? lines.findIndex(({ n }) => n === target.line) : -1;
    if (at < 0) return;
    rows.scrollToIndex(at, { align: "center" });
    // From here the keyboard scrolls.
    scroller.current?.focus();
  }, [target, lines, rows]);
  return (
    <div
      ref={scroller}
      role="log"
      // Logs are written from left to right, whatever the language around them.
      dir="ltr"
      aria-live="off"
      aria-label={text("log.list")}
      // Scrolling with the keyboard needs the focus here.
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      className="min-h-0 flex-1 overflow-auto bg-surface py-2 font-mono text-code outline-offset-[-2px]"
    >
      <div className="relative" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map((item) => {
          const line = lines[item.index];
          if (!line) return null;
          return (
            <div
              key={item.key}
              data-index={item.index}
              ref={rows.measureElement}
              className={clsx("absolute flex min-w-full gap-3 px-6", levels[line.level], line.n === target?.line && "bg-bad-soft", wrap ? "right-0 left-0" : "left-0")}
              style={{ top: item.start, minHeight: LINE_PX }}
            >
              <span className="shrink-0 text-ink-subtle" title={format.moment(line.time)}>
                {format.clock(line.time)}
              </span>
              <span className="w-10 shrink-0">{line.level}</span>
              {line.table && <span className="shrink-0 text-ink-muted">{line.table}</span>}
              <span className={wrap ? "min-w-0 break-words whitespace-pre-wrap" : "whitespace-pre"}>
                <Marked text={line.text} query={search} />
              </span>
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** The text with what was searched for marked. */
function Marked({ text, query }: { text: string; query: string }) {
  const parts = useMemo(() => split(text, query), [text, query]);
  return parts.map((part, at) =>
    at % 2 === 1 ? (
      // Parts are their position; they never move.
      // oxlint-disable-next-line react/no-array-index-key
      <mark key={at} className="bg-warn-soft text-current">
        {part}
      </mark>
    ) : (
      part
    ),
  );
}

/** Every second part is a hit. */
export function split(text: string, query: string): string[] {
  if (query === "") return [text];
  const parts: string[] = [];
  const low = text.toLowerCase();
  const wanted = query.toLowerCase();
  let from = 0;
  for (let at = low.indexOf(wanted); at >= 0; at = low.indexOf(wanted, from)) {
    parts.push(text.slice(from, at), text.slice(at, at + wanted.length));
    from = at + wanted.length;
  }
  return [...parts, text.slice(from)];
}
