import { useSearch } from "@tanstack/react-router";
import { Download, Play, SquareTerminal, Table2 } from "lucide-react";
import { lazy, Suspense, useCallback, useMemo, useRef, useState } from "react";
import { type ResponseOf, useAction, useAnswer } from "~/api/client";
import { gridColumns } from "~/domains/preview/columns";
import { ValueDialog } from "~/domains/preview/ValueDialog";
import { asCsv } from "~/domains/sql/csv";
import { usePlatform } from "~/platform";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Answer } from "~/shared/ui/Answer";
import { Button } from "~/shared/ui/Button";
import { Empty, Loading } from "~/shared/ui/feedback";
import { Grid } from "~/shared/ui/Grid";
import { PageHeader } from "~/shared/ui/layout";
import { Select } from "~/shared/ui/Select";
import { Problem } from "~/shared/ui/Problem";

const SqlEditor = lazy(() => import("~/domains/sql/SqlEditor"));

const ROWS_MAX = 10_000;

/** A scratch page of SQL on a DuckDB destination. */
export default function SqlView() {
  const text = useText();
  const search = useSearch({ from: "/sql" });
  const systems = useAnswer("systems.list", null);
  return (
    <Answer of={systems} doing={text("sql.tablesLoading")}>
      {(all) => {
        const names = all.filter(({ side, connector }) => side === "destination" && connector === "duckdb").map(({ name }) => name);
        const first = names.find((name) => name === search.destination) ?? names[0];
        return first === undefined ? (
          <Empty icon={SquareTerminal} sentence={text("sql.none")} />
        ) : (
          <Scratch names={names} first={first} table={search.table} />
        );
      }}
    </Answer>
  );
}

function Scratch({ names, first, table }: { names: readonly string[]; first: string; table: string | undefined }) {
  const text = useText();
  const [destination, setDestination] = useState(first);
  const [statement, setStatement] = useState(() => (table ? `SELECT *\nFROM ${table}\nLIMIT 100` : ""));
  const tables = useAnswer("sql.schema", { destination });
  const { run, pending, error } = useAction("sql.run");
  const [result, setResult] = useState<ResponseOf<"sql.run"> | null>(null);
  const asked = useRef(0);

  const execute = async (sql: string) => {
    if (sql.trim() === "" || pending) return;
    const mine = (asked.current += 1);
    const answer = await run({ destination, sql, limit: ROWS_MAX });
    if (answer && mine === asked.current) setResult(answer);
  };
  const schema = useMemo(
    () => Object.fromEntries((tables.data ?? []).map((each) => [each.table, each.columns.map(({ name }) => name)])),
    [tables.data],
  );
  return (
    <>
      <PageHeader title={text("sql.title")}>
        <Select
          label={text("sql.destination")}
          value={destination}
          onValue={setDestination}
          choices={names.map((name) => ({ value: name, label: name }))}
        />
        <Button look="primary" icon={Play} shortcut="mod+enter" disabled={pending} onClick={() => void execute(statement)}>
          {text(pending ? "sql.running" : "sql.run")}
        </Button>
      </PageHeader>
      <div className="flex min-h-0 flex-1">
        <nav aria-label={text("sql.tables")} className="flex w-52 shrink-0 flex-col overflow-auto border-e border-border p-2">
          {(tables.data ?? []).map((each) => (
            <button
              key={each.table}
              type="button"
              title={each.columns.map(({ name, type }) => `${name} ${type}`).join("\n")}
              aria-label={text("sql.insert", { table: each.table })}
              onClick={() => setStatement((now) => (now.trim() === "" ? `SELECT *\nFROM ${each.table}\nLIMIT 100` : `${now} ${each.table}`))}
              className="flex h-8 shrink-0 items-center gap-2 rounded-control border-0 bg-transparent px-2 text-start text-ink-muted hover:bg-sunken hover:text-ink"
            >
              <Table2 size={16} strokeWidth={1.5} aria-hidden className="shrink-0" />
              <bdi className="truncate">{each.table}</bdi>
            </button>
          ))}
          {tables.data?.length === 0 && <p className="m-0 p-2 text-ink-muted">{text("sql.noTables")}</p>}
        </nav>
        <div className="flex min-w-0 flex-1 flex-col">
          <div className="h-56 shrink-0 border-b border-border">
            <Suspense fallback={<Loading doing={text("sql.editor")} rows={3} />}>
              <SqlEditor
                label={text("sql.editor")}
                value={statement}
                onValue={setStatement}
                onRun={(sql) => void execute(sql)}
                schema={schema}
              />
            </Suspense>
          </div>
          {error !== null && <Problem error={error} className="m-4" />}
          {result ? (
            <Result result={result} name={destination} />
          ) : (
            error === null && <Empty icon={SquareTerminal} sentence={text("sql.empty")} />
          )}
        </div>
      </div>
    </>
  );
}

function Result({ result, name }: { result: ResponseOf<"sql.run">; name: string }) {
  const text = useText();
  const format = useFormat();
  const platform = usePlatform();
  const [value, setValue] = useState<{ column: string; value: string } | null>(null);
  const columns = useMemo(() => gridColumns(result.columns, result.rows), [result]);
  const names = result.columns.map((column) => column.name);
  const cell = useCallback((row: number, at: number) => result.rows[row]?.[at], [result]);
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="flex h-10 shrink-0 items-center gap-3 border-b border-border px-4">
        <span role="status" className="num text-ink-muted">
          {text("sql.rows", { count: result.rows.length, duration: format.duration(result.duration_ms) })}
          {result.truncated && ` · ${text("sql.truncated", { count: result.rows.length })}`}
        </span>
        <Button
          size="small"
          icon={Download}
          className="ms-auto"
          disabled={result.rows.length === 0}
          onClick={() => platform.save(`${name}.csv`, "text/csv", asCsv(names, result.rows))}
        >
          {text("sql.export")}
        </Button>
      </div>
      {result.rows.length === 0 ? (
        <Empty sentence={text("sql.noRows")} />
      ) : (
        <Grid
          label={text("sql.result")}
          columns={columns}
          rowCount={result.rows.length}
          headerHeight={44}
          nullWord={text("common.null")}
          cell={cell}
          onCell={(row, at) => {
            const shown = result.rows[row]?.[at];
            const column = names[at];
            if (shown && column !== undefined) setValue({ column, value: shown });
          }}
        />
      )}
      <ValueDialog shown={value} onClose={() => setValue(null)} />
    </div>
  );
}
