import { useCallback, useMemo } from "react";
import type { SampledPreview } from "~/api/generated";
import { useText } from "~/shared/text";
import { Empty } from "~/shared/ui/feedback";
import { Grid } from "~/shared/ui/Grid";
import { gridColumns } from "./columns";
import type { Profiling } from "./profiles";
import { type Form, landedOf, landedSheet, pairedSheet, type Sheet, sourceSheet } from "./rows";

interface SampleSheetsProps {
  preview: SampledPreview;
  form: Form;
  profiling: Profiling;
  /** The column of the sample to begin at; negative when there is none. */
  begin: number;
  /** The column of the sample that the keyboard is in. */
  onColumn: (column: number) => void;
  onValue: (shown: { column: string; value: string }) => void;
}

/** The rows of a sample in the form that was chosen. */
export function SampleSheets({ preview, form, profiling, begin, onColumn, onValue }: SampleSheetsProps) {
  const text = useText();
  const landed = useMemo(() => landedOf(preview), [preview]);
  const sheets = useMemo<Sheet[]>(() => {
    if (form === "source") return [sourceSheet(preview)];
    if (form === "landed") return [landedSheet(preview)];
    return landed
      ? [pairedSheet(preview, landed, text("preview.rejectedCell"))]
      : [sourceSheet(preview), landedSheet(preview)];
  }, [preview, form, landed, text]);
  return (
    <>
      {sheets.length > 1 && (
        <p role="status" className="m-0 border-b border-border bg-sunken px-4 py-2 text-ink-muted">
          {text("preview.notPaired")}
        </p>
      )}
      <div className="flex min-h-0 flex-1">
        {sheets.map((sheet, at) => (
          // Sheets are their position: source, then landed.
          // oxlint-disable-next-line react/no-array-index-key
          <div key={`${form} ${at}`} className="flex min-w-0 flex-1 flex-col not-first:border-l not-first:border-border">
            <SheetGrid sheet={sheet} profiling={profiling} table={preview.table} begin={begin} onColumn={onColumn} onValue={onValue} />
          </div>
        ))}
      </div>
    </>
  );
}

interface SheetGridProps extends Pick<SampleSheetsProps, "begin" | "onColumn" | "onValue"> {
  sheet: Sheet;
  profiling: Profiling;
  table: string;
}

function SheetGrid({ sheet, profiling, table, begin, onColumn, onValue }: SheetGridProps) {
  const text = useText();
  const columns = useMemo(() => gridColumns(sheet.columns, sheet.rows, profiling.store), [sheet, profiling.store]);
  const cell = useCallback((row: number, at: number) => sheet.rows[row]?.[at], [sheet]);
  if (sheet.rows.length === 0) return <Empty sentence={text("data.empty")} />;
  return (
    <Grid
      label={text("data.grid", { table })}
      columns={columns}
      rowCount={sheet.rows.length}
      begin={sheet.columns.findIndex((_, at) => sheet.columnOf(at) === begin)}
      headerHeight={68}
      onColumns={(first, last) => profiling.see(sheet.columnOf(first), sheet.columnOf(last))}
      nullWord={text("common.null")}
      cell={cell}
      onMove={(_, at) => onColumn(sheet.columnOf(at))}
      onCell={(row, at) => {
        const value = sheet.rows[row]?.[at];
        const column = sheet.columns[at]?.name;
        if (value && column !== undefined) onValue({ column, value });
      }}
    />
  );
}
