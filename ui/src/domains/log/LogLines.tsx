import { useVirtualizer } from "@tanstack/react-virtual";
import clsx from "clsx";
import { type KeyboardEvent, useEffect, useMemo, useRef } from "react";
import type { LogLine } from "~/api/generated";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { type LogSearch, split } from "./model";

const LINE_PX = 20;
/** Nearer to the end than this is at the end. */
const END_PX = 2 * LINE_PX;

const inks = { error: "text-bad", warn: "text-warn", info: "text-ink", debug: "text-ink-subtle" } as const;

export interface LogTarget {
  /** The number of a line in the whole log. */
  line: number;
  /** Whether the keyboard goes there, too; not while somebody types what is searched for. */
  focus: boolean;
}

interface LogLinesProps {
  lines: readonly LogLine[];
  wrap: boolean;
  search: LogSearch;
  /** The line to be shown and marked. */
  target: LogTarget | null;
  /** Stays at the end while lines come. */
  follow: boolean;
  /** Somebody scrolled: away from the end, or to it. */
  onEnd: (atEnd: boolean) => void;
  onKey: (event: KeyboardEvent) => void;
}

/** A window of lines. Only those that can be seen are drawn. */
export function LogLines({ lines, wrap, search, target, follow, onEnd, onKey }: LogLinesProps) {
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
    if (target?.focus) scroller.current?.focus();
  }, [target, lines, rows]);
  useEffect(() => {
    if (follow && lines.length > 0) rows.scrollToIndex(lines.length - 1, { align: "end" });
  }, [follow, lines, rows]);
  return (
    // The keys go to the next match; each has a button as well.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
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
      onKeyDown={onKey}
      onWheel={({ deltaY }) => {
        if (deltaY < 0) onEnd(false);
      }}
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        if (scrollHeight - scrollTop - clientHeight < END_PX) onEnd(true);
      }}
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
              className={clsx(
                "absolute flex min-w-full gap-3 px-6",
                inks[line.level],
                line.n === target?.line && "bg-accent-soft",
                wrap ? "right-0 left-0" : "left-0",
              )}
              style={{ top: item.start, minHeight: LINE_PX }}
            >
              <span className="shrink-0 text-ink-muted" title={`${format.moment(line.time)} · ${line.time}`}>
                {format.clock(line.time)}
              </span>
              <span className="w-10 shrink-0">{line.level}</span>
              <span className="w-14 shrink-0 text-ink-muted">{line.stage}</span>
              {line.table && (
                <span className="shrink-0 text-ink-muted">
                  <Marked text={line.table} search={search} />
                </span>
              )}
              <span className={wrap ? "min-w-0 break-words whitespace-pre-wrap" : "whitespace-pre"}>
                <Marked text={line.text} search={search} />
              </span>
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** The text with what was searched for marked. */
function Marked({ text, search }: { text: string; search: LogSearch }) {
  const { text: query, expression } = search;
  const parts = useMemo(() => split(text, { text: query, expression }), [text, query, expression]);
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
