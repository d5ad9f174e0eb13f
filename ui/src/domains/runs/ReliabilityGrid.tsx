import { useMemo } from "react";
import type { ReliabilityColumn, ReliabilityTable, ReliabilityGrid as Grid } from "~/api/generated";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { inkOf, wordOf } from "~/shared/ui/State";
import { type Cell, cellOf, stateOfOutcome, tallied } from "./reliability";

const ROW_PX = 14;
const CELL_PX = 10;
const TABLES_SHOWN = 8;

const fills: Record<Cell, string> = {
  late: "fill-bad",
  fresh: "fill-ok",
  // Neither good nor bad: nobody could have synced.
  off: "fill-[url(#time-off)]",
  paused: "fill-[url(#time-off)]",
  nothing: "fill-sunken",
};
const inks = { ok: "fill-ok", warn: "fill-warn", bad: "fill-bad", run: "fill-run", new: "fill-new", idle: "fill-border-strong" };
// Height tells the states apart where colour does not.
const heights = { ok: CELL_PX, warn: 7, bad: 4, run: CELL_PX, new: 7, idle: 2 };

/** The last days in columns of some hours: a row for freshness, one for each table. The worst of a column wins. */
export function ReliabilityGrid({ grid, fresh }: { grid: Grid; fresh: boolean }) {
  const text = useText();
  const shown = useMemo(() => worstFirst(grid.tables), [grid.tables]);
  const hidden = grid.tables.length - shown.length;
  return (
    <section aria-label={text("reliability.grid")} className="min-w-0 flex-1 basis-full">
      <h2 className="mb-1 text-caption font-medium text-ink-muted">{text("reliability.gridTitle", { hours: grid.hours })}</h2>
      <Hatching />
      <div className="grid grid-cols-[minmax(64px,160px)_1fr] items-center gap-x-3">
        <span className="truncate text-caption text-ink-muted">{text(fresh ? "reliability.fresh" : "reliability.watched")}</span>
        <TimeRow columns={grid.columns} />
        {shown.map((table) => (
          <TableRow key={table.table} table={table} columns={grid.columns} />
        ))}
        <span />
        <Days columns={grid.columns} />
      </div>
      <Legend more={hidden} fresh={fresh} />
    </section>
  );
}

/** Tables with the gravest trouble first; few are shown, so that the runs below stay in sight. */
function worstFirst(tables: readonly ReliabilityTable[]): readonly ReliabilityTable[] {
  const bad = (table: ReliabilityTable) => table.worst.filter((each) => each !== null && each !== "succeeded" && each !== "stopped").length;
  return tables.length <= TABLES_SHOWN ? tables : tables.toSorted((a, b) => bad(b) - bad(a)).slice(0, TABLES_SHOWN);
}

function Hatching() {
  return (
    <svg aria-hidden width="0" height="0" className="absolute">
      <pattern id="time-off" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <rect width="4" height="4" className="fill-surface" />
        <rect width="1.5" height="4" className="fill-border-strong" />
      </pattern>
    </svg>
  );
}

function TimeRow({ columns }: { columns: readonly ReliabilityColumn[] }) {
  const text = useText();
  const format = useFormat();
  const sum = (of: (column: ReliabilityColumn) => number) => format.duration(columns.reduce((all, column) => all + of(column), 0) * 1000);
  const label = text("reliability.timeRow", {
    late: sum((column) => column.late_seconds),
    off: sum((column) => column.off_seconds),
    paused: sum((column) => column.paused_seconds),
  });
  return (
    <Row label={label} count={columns.length}>
      {columns.map((column, at) => {
        const cell = cellOf(column);
        return (
          <rect key={column.from} x={at + 0.1} y={2} width={0.8} height={CELL_PX} className={fills[cell]} data-cell={cell}>
            <title>
              {text("reliability.timeCell", {
                from: format.moment(column.from),
                fresh: format.duration(column.fresh_seconds * 1000),
                late: format.duration(column.late_seconds * 1000),
                off: format.duration(column.off_seconds * 1000),
                paused: format.duration(column.paused_seconds * 1000),
              })}
            </title>
          </rect>
        );
      })}
    </Row>
  );
}

function TableRow({ table, columns }: { table: ReliabilityTable; columns: readonly ReliabilityColumn[] }) {
  const text = useText();
  const format = useFormat();
  const words = tallied(table.worst).map(({ outcome, count }) => `${count} ${text(wordOf(stateOfOutcome(outcome)))}`);
  return (
    <>
      <bdi className="truncate text-caption" title={table.table}>
        {table.table}
      </bdi>
      <Row label={`${table.table}: ${words.join(", ") || text("reliability.noRuns")}`} count={columns.length}>
        {table.worst.map((outcome, at) => {
          const column = columns[at];
          if (!column || !outcome) return null;
          const ink = inkOf(stateOfOutcome(outcome));
          return (
            <rect
              key={column.from}
              x={at + 0.1}
              y={2 + CELL_PX - heights[ink]}
              width={0.8}
              height={heights[ink]}
              className={inks[ink]}
              data-outcome={outcome}
            >
              <title>{`${format.moment(column.from)}: ${text(wordOf(stateOfOutcome(outcome)))}`}</title>
            </rect>
          );
        })}
      </Row>
    </>
  );
}

function Row({ label, count, children }: { label: string; count: number; children: React.ReactNode }) {
  return (
    <svg
      role="img"
      aria-label={label}
      width="100%"
      height={ROW_PX}
      viewBox={`0 0 ${count} ${ROW_PX}`}
      preserveAspectRatio="none"
      className="mark-ground block"
    >
      {children}
    </svg>
  );
}

/** The first and the last day, under the columns. */
function Days({ columns }: { columns: readonly ReliabilityColumn[] }) {
  const format = useFormat();
  const [first, last] = [columns[0], columns.at(-1)];
  return (
    <span aria-hidden className="num flex justify-between text-caption text-ink-subtle">
      <span>{first && format.day(first.from)}</span>
      <span>{last && format.day(last.from)}</span>
    </span>
  );
}

function Legend({ more, fresh }: { more: number; fresh: boolean }) {
  const text = useText();
  const mark = (className: string, word: string) => (
    <span className="inline-flex items-center gap-1">
      <svg aria-hidden width="10" height="10" className="mark-ground">
        <rect width="10" height="10" className={className} />
      </svg>
      {word}
    </span>
  );
  return (
    <p className="m-0 mt-1 flex flex-wrap gap-x-4 text-caption text-ink-muted">
      {mark("fill-ok", text("reliability.legendFine"))}
      {mark("fill-warn", text("reliability.legendWarn"))}
      {mark("fill-bad", text(fresh ? "reliability.legendLate" : "reliability.legendBad"))}
      {mark("fill-[url(#time-off)]", text("reliability.legendOff"))}
      {more > 0 && <span>{text("reliability.moreTables", { count: more })}</span>}
    </p>
  );
}
