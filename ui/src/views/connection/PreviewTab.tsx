import { useNavigate } from "@tanstack/react-router";
import { PanelRight, RefreshCw } from "lucide-react";
import { useCallback, useMemo, useState } from "react";
import { useAnswer } from "~/api/client";
import type { Preview } from "~/api/generated";
import { gridColumns } from "~/domains/preview/columns";
import { Inspector, type InspectorPart } from "~/domains/preview/Inspector";
import { TableList } from "~/domains/preview/TableList";
import { ValueDialog } from "~/domains/preview/ValueDialog";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Answer } from "~/shared/ui/Answer";
import { IconButton } from "~/shared/ui/Button";
import { Empty } from "~/shared/ui/feedback";
import { Grid } from "~/shared/ui/Grid";
import { Select } from "~/shared/ui/Select";
import type { PartProps } from "./ConnectionView";

const sizes = ["100", "1000", "10000"] as const;
type Size = (typeof sizes)[number];

/** What will land, in which shape, and whether it fits. Nothing is written. */
export function PreviewTab({ name, detail, table }: PartProps) {
  const text = useText();
  const format = useFormat();
  const navigate = useNavigate();
  const [size, setSize] = useState<Size>("1000");
  const [inspector, setInspector] = useState(() => window.innerWidth >= 1180);
  const tables = detail.tables.map((each) => each.table);
  const shown = table ?? tables[0];
  const answer = useAnswer(
    "preview",
    { connection: name, table: shown ?? "", rows: Number(size) },
    { enabled: shown !== undefined },
  );
  return (
    <div className="flex min-h-0 flex-1">
      <TableList
        tables={tables}
        value={shown}
        onValue={(next) =>
          void navigate({ to: "/connections/$name/$tab", params: { name, tab: "preview" }, search: { table: next } })
        }
      />
      <div className="flex min-w-0 flex-1 flex-col">
        <div className="flex h-10 shrink-0 items-center gap-2 border-b border-border px-4">
          {answer.data && <SampleLine preview={answer.data} readAt={answer.dataUpdatedAt} />}
          <div className="ml-auto flex items-center gap-1">
            <Select
              small
              label={text("preview.size")}
              value={size}
              onValue={setSize}
              choices={sizes.map((each) => ({
                value: each,
                label: text("preview.firstRows", { rows: format.exact(Number(each)) }),
              }))}
            />
            <IconButton icon={RefreshCw} label={text("data.refresh")} onClick={() => void answer.refetch()} />
            <IconButton
              icon={PanelRight}
              pressed={inspector}
              label={text(inspector ? "preview.closeInspector" : "preview.openInspector")}
              onClick={() => setInspector(!inspector)}
            />
          </div>
        </div>
        <Answer of={answer} doing={text("preview.loading")} rows={12}>
          {(preview) => <Sample key={preview.table} preview={preview} inspector={inspector} />}
        </Answer>
      </div>
    </div>
  );
}

function SampleLine({ preview, readAt }: { preview: Preview; readAt: number }) {
  const text = useText();
  const format = useFormat();
  const total = preview.effect?.rows_estimate ?? null;
  const parts = [
    text("preview.sample", { rows: format.exact(preview.rows_sampled) }) +
      (total === null ? "" : ` ${text("preview.ofTotal", { total: format.count(total) })}`),
    text("preview.readAt", { time: format.clock(new Date(readAt).toISOString()) }),
    text("preview.nothingWritten"),
  ];
  return <span className="num truncate text-ink-muted">{parts.join(" · ")}</span>;
}

function Sample({ preview, inspector }: { preview: Preview; inspector: boolean }) {
  const text = useText();
  const [column, setColumn] = useState<number | null>(null);
  const [part, setPart] = useState<InspectorPart>("findings");
  const [value, setValue] = useState<{ column: string; value: string } | null>(null);
  const cell = useCallback((row: number, at: number) => preview.rows[row]?.[at], [preview]);
  const columns = useMemo(
    () =>
      gridColumns(
        preview.columns.map((each) => ({
          name: each.source === each.target ? each.target : `${each.source} → ${each.target}`,
          type: each.source_type === each.landed_type ? each.landed_type : `${each.source_type} → ${each.landed_type}`,
          ...(preview.rows_sampled > 0 && { filled: 1 - each.nulls / preview.rows_sampled }),
        })),
        preview.rows,
      ),
    [preview],
  );
  return (
    <div className="flex min-h-0 flex-1">
      <div className="flex min-w-0 flex-1 flex-col">
        {preview.rows.length === 0 ? (
          <Empty sentence={text("data.empty")} />
        ) : (
          <Grid
            label={text("data.grid", { table: preview.table })}
            columns={columns}
            rowCount={preview.rows.length}
            headerHeight={52}
            nullWord={text("common.null")}
            cell={cell}
            onMove={(_, at) => {
              // Moving in the grid asks about columns; the findings were seen first.
              setColumn(at);
              setPart((now) => (now === "findings" ? "column" : now));
            }}
            onCell={(row, at) => {
              const shown = preview.rows[row]?.[at];
              const name = preview.columns[at]?.target;
              if (shown && name !== undefined) setValue({ column: name, value: shown });
            }}
          />
        )}
      </div>
      {inspector && <Inspector preview={preview} column={column} part={part} onPart={setPart} />}
      <ValueDialog shown={value} onClose={() => setValue(null)} />
    </div>
  );
}
