import { useCallback, useMemo } from "react";
import type { SampledPreview } from "~/api/generated";
import { useText } from "~/shared/text";
import { Empty } from "~/shared/ui/feedback";
import { Grid } from "~/shared/ui/Grid";
import { gridColumns } from "./columns";
import { pickedRows, type RowFilter } from "./filter";
import type { Veil } from "./masking";
import type { Profiling } from "./profiles";
import { type Form, landedSheet, pairedSheet, type Sheet, sourceSheet } from "./rows";

interface SampleSheetsProps {
  preview: SampledPreview;
  form: Form;
  /** What each row of the source becomes, when that is known. */
  landed: readonly (number | null)[] | null;
  /** The columns of which the sample has dots instead of values. */
  veil: Veil;
  filter: RowFilter | null;
  profiling: Profiling;
  /** The column of the sample to begin at; negative when there is none. */
  begin: number;
  /** Said when there are no rows. */
  empty: string;
  /** The column of the sample that the keyboard is in. */
  onColumn: (column: number) => void;
  onValue: (shown: { column: string; value: string }) => void;
}

/** The rows of a sample in the form that was chosen. */
export function SampleSheets({ preview, form, landed, veil, filter, ...rest }: SampleSheetsProps) {
  const text = useText();
  const sheets = useMemo<Sheet[]>(() => {
    if (form === "source") return [sourceSheet(preview, veil)];
    if (form === "landed") return [landedSheet(preview, veil)];
    return landed
      ? [pairedSheet(preview, landed, text("preview.rejectedCell"), veil)]
      : [sourceSheet(preview, veil), landedSheet(preview, veil)];
  }, [preview, form, landed, veil, text]);
  const rows = useMemo(() => pickedRows(filter, form === "landed" ? null : landed), [filter, form, landed]);
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
            <SheetGrid sheet={sheet} rows={rows} table={preview.table} {...rest} />
          </div>
        ))}
      </div>
    </>
  );
}

interface SheetGridProps extends Pick<SampleSheetsProps, "profiling" | "begin" | "empty" | "onColumn" | "onValue"> {
  sheet: Sheet;
  /** The rows of the sheet that are shown; all when none are picked. */
  rows: readonly number[] | null;
  table: string;
}

function SheetGrid({ sheet, rows, profiling, table, begin, empty, onColumn, onValue }: SheetGridProps) {
  const text = useText();
  // As wide as before when only some rows are shown.
  const columns = useMemo(() => gridColumns(sheet.columns, sheet.rows, profiling.store), [sheet, profiling.store]);
  const cell = useCallback((row: number, at: number) => sheet.rows[rows ? (rows[row] ?? -1) : row]?.[at], [sheet, rows]);
  if (sheet.rows.length === 0) return <Empty sentence={empty} />;
  return (
    <Grid
      label={text("data.grid", { table })}
      columns={columns}
      rowCount={rows?.length ?? sheet.rows.length}
      begin={sheet.columns.findIndex((_, at) => sheet.columnOf(at) === begin)}
      headerHeight={68}
      onColumns={(first, last) => profiling.see(sheet.columnOf(first), sheet.columnOf(last))}
      nullWord={text("common.null")}
      cell={cell}
      onMove={(_, at) => onColumn(sheet.columnOf(at))}
      onCell={(row, at) => {
        const value = cell(row, at);
        const column = sheet.columns[at]?.name;
        if (value && column !== undefined) onValue({ column, value });
      }}
    />
  );
}
