import { ChevronDown, ChevronUp, Regex } from "lucide-react";
import type { LogLevel, LogStage, RunSummary } from "~/api/generated";
import { type MessageId, useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { IconButton } from "~/shared/ui/Button";
import { Checkbox } from "~/shared/ui/Field";
import { SearchInput } from "~/shared/ui/layout";
import { Select } from "~/shared/ui/Select";
import type { LogFilter, LogSearch } from "./model";
import type { LogFind } from "./useLogFind";

const levels: Record<LogLevel, MessageId> = {
  error: "log.level.error",
  warn: "log.level.warn",
  info: "log.level.info",
  debug: "log.level.debug",
};
const stages: Record<LogStage, MessageId> = {
  run: "log.stage.run",
  read: "log.stage.read",
  prepare: "log.stage.prepare",
  write: "log.stage.write",
};

interface FiltersProps {
  filter: LogFilter;
  runs: readonly RunSummary[];
  tables: readonly string[];
  onChange: (next: Partial<LogFilter>) => void;
}

/** Which log, and which of its lines. */
export function LogFilters({ filter, runs, tables, onChange }: FiltersProps) {
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
      <Select
        small
        label={text("log.stage")}
        value={filter.stage ?? "all"}
        onValue={(stage) => onChange({ stage: stage === "all" ? null : stage })}
        choices={[
          { value: "all", label: text("log.allStages") },
          ...(Object.keys(stages) as LogStage[]).map((stage) => ({ value: stage, label: text(stages[stage]) })),
        ]}
      />
      <Select
        small
        label={text("log.level")}
        // The least grave level lets every line through.
        value={filter.level ?? "debug"}
        onValue={(level) => onChange({ level: level === "debug" ? null : level })}
        choices={(Object.keys(levels) as LogLevel[]).toReversed().map((level) => ({ value: level, label: text(levels[level]) }))}
      />
    </>
  );
}

interface SearchProps {
  search: LogSearch;
  find: LogFind;
  onChange: (next: Partial<LogSearch>) => void;
}

/** What is searched for, how often it is there, and the way from one place to the next. */
export function LogSearchBar({ search, find, onChange }: SearchProps) {
  const text = useText();
  const format = useFormat();
  const { found } = find;
  const words =
    search.text === "" || find.error !== null
      ? ""
      : find.searching && !found
        ? text("log.searching")
        : found?.hit
          ? text("log.hit", { at: format.exact(found.hit.ordinal), total: format.exact(found.total) })
          : found
            ? text("log.noHit")
            : "";
  return (
    <div role="search" className="flex min-w-0 flex-wrap items-center gap-1">
      <SearchInput
        label={text("log.search")}
        value={search.text}
        onValue={(query) => onChange({ text: query })}
        onKeyDown={(event) => {
          if (event.key !== "Enter") return;
          event.preventDefault();
          find.step(event.shiftKey);
        }}
        className="w-56"
      />
      <IconButton icon={Regex} label={text("log.expression")} pressed={search.expression} onClick={() => onChange({ expression: !search.expression })} />
      <IconButton icon={ChevronUp} label={text("log.previous")} disabled={!found?.hit} onClick={() => find.step(true)} />
      <IconButton icon={ChevronDown} label={text("log.next")} disabled={!found?.hit} onClick={() => find.step(false)} />
      <span role="status" className="num min-w-24 px-1 text-ink-muted">
        {words}
      </span>
      <Checkbox label={text("log.only")} checked={search.only} onValue={(only) => onChange({ only })} />
    </div>
  );
}
