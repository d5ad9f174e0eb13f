import { useQueries, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { RefreshCw, SquareTerminal } from "lucide-react";
import { useCallback, useMemo, useState } from "react";
import { send, useAnswer } from "~/api/client";
import type { GridData } from "~/api/generated";
import { gridColumns } from "~/domains/preview/columns";
import { TableList } from "~/domains/preview/TableList";
import { ValueDialog } from "~/domains/preview/ValueDialog";
import { usePlatform } from "~/platform";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Answer } from "~/shared/ui/Answer";
import { Button, IconButton } from "~/shared/ui/Button";
import { Empty } from "~/shared/ui/feedback";
import { Grid } from "~/shared/ui/Grid";
import type { PartProps } from "./ConnectionView";

const PAGE = 500;

/** The rows that have landed. */
export function DataTab({ name, detail, table }: PartProps) {
  const text = useText();
  const navigate = useNavigate();
  const tables = detail.tables.map((each) => each.table);
  const shown = table ?? tables[0];
  const landed = detail.tables.find((each) => each.table === shown)?.last;
  return (
    <div className="flex min-h-0 flex-1">
      <TableList
        tables={tables}
        value={shown}
        onValue={(next) =>
          void navigate({ to: "/connections/$name/$tab", params: { name, tab: "data" }, search: { table: next } })
        }
      />
      {shown && landed ? (
        <Rows key={shown} name={name} table={shown} destination={detail.summary.destination} />
      ) : (
        <Empty
          sentence={text("data.notYet")}
          actions={
            <Button
              look="primary"
              onClick={() =>
                void navigate({
                  to: "/connections/$name/$tab",
                  params: { name, tab: "preview" },
                  search: shown ? { table: shown } : {},
                })
              }
            >
              {text("data.showPreview")}
            </Button>
          }
        />
      )}
    </div>
  );
}

interface RowsProps {
  name: string;
  table: string;
  destination: { name: string; connector: string };
}

function Rows({ name, table, destination }: RowsProps) {
  const text = useText();
  const first = useAnswer("data", { connection: name, table, offset: 0, limit: PAGE });
  return (
    <Answer of={first} doing={text("data.loading")} rows={12}>
      {(data) => <Pages name={name} table={table} destination={destination} first={data} />}
    </Answer>
  );
}

function Pages({ name, table, destination, first }: RowsProps & { first: GridData }) {
  const text = useText();
  const format = useFormat();
  const navigate = useNavigate();
  const platform = usePlatform();
  const queries = useQueryClient();
  // The first and last page on screen. Rows that scroll within them change nothing here.
  const [from, setFrom] = useState(0);
  const [to, setTo] = useState(0);
  const [value, setValue] = useState<{ column: string; value: string } | null>(null);
  const columns = useMemo(() => gridColumns(first.columns, first.rows), [first]);
  const total = first.total ?? first.rows.length;

  // Only pages near the screen are asked for; those seen before stay in the cache.
  const pages = useMemo(() => Array.from({ length: to - from + 1 }, (_, at) => from + at), [from, to]);
  const answers = useQueries({
    queries: pages.map((page) => {
      const request = { connection: name, table, offset: page * PAGE, limit: PAGE };
      return {
        queryKey: ["data", request],
        queryFn: ({ signal }: { signal: AbortSignal }) => send(platform, "data", request, signal),
        gcTime: 60_000,
      };
    }),
  });
  const loaded = useMemo(() => new Map(pages.map((page, at) => [page, answers[at]?.data?.rows])), [pages, answers]);
  const cell = useCallback(
    (row: number, column: number) => loaded.get(Math.floor(row / PAGE))?.[row % PAGE]?.[column],
    [loaded],
  );
  const onRange = useCallback((first: number, last: number) => {
    setFrom(Math.floor(first / PAGE));
    setTo(Math.floor(last / PAGE));
  }, []);

  return (
    <div className="flex min-w-0 flex-1 flex-col">
      <div className="flex h-10 shrink-0 items-center gap-2 border-b border-border px-4">
        <span className="num text-ink-muted" title={format.exact(total)}>
          {text("data.rows", { rows: format.count(total) })} · {text("common.columns", { count: columns.length })}
        </span>
        <IconButton
          icon={RefreshCw}
          label={text("data.refresh")}
          className="ms-auto"
          onClick={() => void queries.invalidateQueries({ queryKey: ["data"] })}
        />
        {destination.connector === "duckdb" && (
          <Button
            size="small"
            icon={SquareTerminal}
            onClick={() => void navigate({ to: "/sql", search: { destination: destination.name, table } })}
          >
            {text("data.query")}
          </Button>
        )}
      </div>
      {total === 0 ? (
        <Empty sentence={text("data.empty")} />
      ) : (
        <Grid
          label={text("data.grid", { table })}
          columns={columns}
          rowCount={total}
          headerHeight={44}
          nullWord={text("common.null")}
          onRange={onRange}
          cell={cell}
          onCell={(row, column) => {
            const shown = cell(row, column);
            const name = first.columns[column]?.name;
            if (shown && name !== undefined) setValue({ column: name, value: shown });
          }}
        />
      )}
      <ValueDialog shown={value} onClose={() => setValue(null)} />
    </div>
  );
}
