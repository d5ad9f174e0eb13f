import { useVirtualizer } from "@tanstack/react-virtual";
import clsx from "clsx";
import { ScrollText, WrapText } from "lucide-react";
import { useDeferredValue, useMemo, useRef, useState } from "react";
import { useAnswer } from "~/api/client";
import type { LogLine, RunSummary } from "~/api/generated";
import { usePlatform } from "~/platform";
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

/** The log of a run; search and filters run in the engine over the whole file. */
export function LogTab({ name, run }: PartProps) {
  const text = useText();
  const runs = useAnswer("runs.list", { connection: name, limit: 50 });
  return (
    <Answer of={runs} doing={text("history.loading")}>
      {(list) =>
        list.length === 0 && !run ? (
          <Empty icon={ScrollText} sentence={text("log.noRun")} />
        ) : (
          <Log runs={list} first={run ?? list[0]?.run ?? ""} />
        )
      }
    </Answer>
  );
}

function Log({ runs, first }: { runs: readonly RunSummary[]; first: string }) {
  const text = useText();
  const format = useFormat();
  const platform = usePlatform();
  const [run, setRun] = useState(first);
  const [query, setQuery] = useState("");
  const [errors, setErrors] = useState(false);
  const [wrap, setWrap] = useState(false);
  const search = useDeferredValue(query.trim());
  const answer = useAnswer(
    "run.log",
    { run, from: 0, limit: LINES_MAX, search: search === "" ? null : search, errors },
    { keep: true },
  );
  const copy = async () => {
    const lines = (answer.data?.lines ?? []).map((line) => `${line.time} ${line.level} ${line.table ?? ""} ${line.text}`);
    await platform.copy(lines.join("\n"));
    toast({ title: text("common.copied") });
  };
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="flex h-12 shrink-0 items-center gap-3 border-b border-border px-6">
        <Select
          small
          label={text("log.run")}
          value={run}
          onValue={setRun}
          choices={runs.map((each) => ({ value: each.run, label: format.moment(each.started_at) }))}
        />
        <SearchInput label={text("log.search")} value={query} onValue={setQuery} className="w-72" />
        <Checkbox label={text("log.errors")} checked={errors} onValue={setErrors} />
        <span role="status" className="num ml-auto text-ink-muted">
          {answer.data && text("log.lines", { count: answer.data.total })}
        </span>
        <IconButton icon={WrapText} label={text("log.wrap")} pressed={wrap} onClick={() => setWrap(!wrap)} />
        <Button size="small" onClick={() => void copy()}>
          {text("log.copy")}
        </Button>
      </div>
      <Answer of={answer} doing={text("log.loading")} rows={12}>
        {({ lines }) =>
          lines.length === 0 ? (
            <Empty sentence={text(search === "" && !errors ? "log.empty" : "log.noMatch")} />
          ) : (
            <Lines lines={lines} wrap={wrap} search={search} />
          )
        }
      </Answer>
    </div>
  );
}

const levels = { error: "text-bad", warn: "text-warn", info: "text-ink", debug: "text-ink-subtle" } as const;

function Lines({ lines, wrap, search }: { lines: readonly LogLine[]; wrap: boolean; search: string }) {
  const text = useText();
  const format = useFormat();
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE_PX,
    overscan: 20,
  });
  return (
    <div
      ref={scroller}
      role="log"
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
              className={clsx("absolute flex min-w-full gap-3 px-6", levels[line.level], wrap ? "right-0 left-0" : "left-0")}
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
