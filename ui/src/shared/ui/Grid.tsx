import { useVirtualizer, type VirtualItem } from "@tanstack/react-virtual";
import clsx from "clsx";
import { type KeyboardEvent, memo, type MouseEvent, type ReactNode, useEffect, useRef, useState } from "react";

export interface GridColumn {
  id: string;
  header: ReactNode;
  /** In pixels. */
  width: number;
  align?: "right" | undefined;
}

interface GridProps {
  label: string;
  columns: readonly GridColumn[];
  rowCount: number;
  /** The display text of a value as the engine sent it; null is SQL null. */
  cell: (row: number, column: number) => string | null | undefined;
  onCell?: (row: number, column: number) => void;
  /** The column to begin at; it is brought into view. Negative: the first. */
  begin?: number;
  headerHeight?: number;
  nullWord: string;
  /** Follows the cell under the keyboard, so that an inspector can show its column. */
  onMove?: (row: number, column: number) => void;
  /** Says which rows are on screen, so that their pages can be fetched. */
  onRange?: (first: number, last: number) => void;
  /** Says which columns are on screen. */
  onColumns?: (first: number, last: number) => void;
}

const ROW_PX = 28;
const HEADER_PX = 32;

/** A data grid, virtual in both directions. One tab stop; arrows, Home, End and Page keys move the cell. */
export function Grid({
  label,
  columns,
  rowCount,
  cell,
  onCell,
  onMove,
  onRange,
  onColumns,
  begin = 0,
  headerHeight = HEADER_PX,
  nullWord,
}: GridProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState({ row: 0, column: Math.max(0, begin) });
  const rows = useVirtualizer({
    count: rowCount,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 3,
    scrollPaddingStart: headerHeight,
  });
  const across = useVirtualizer({
    horizontal: true,
    count: columns.length,
    getScrollElement: () => scroller.current,
    estimateSize: (at) => columns[at]?.width ?? 160,
    overscan: 1,
  });

  useEffect(() => {
    if (begin > 0) across.scrollToIndex(begin);
    // Only where the grid begins: afterwards the person moves it.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, []);

  const first = rows.range?.startIndex ?? 0;
  const last = rows.range?.endIndex ?? 0;
  useEffect(() => onRange?.(first, last), [onRange, first, last]);
  const leftmost = across.range?.startIndex ?? 0;
  const rightmost = across.range?.endIndex ?? 0;
  useEffect(() => onColumns?.(leftmost, rightmost), [onColumns, leftmost, rightmost]);

  const move = (row: number, column: number) => {
    const next = {
      row: Math.max(0, Math.min(rowCount - 1, row)),
      column: Math.max(0, Math.min(columns.length - 1, column)),
    };
    setActive(next);
    rows.scrollToIndex(next.row);
    across.scrollToIndex(next.column);
    onMove?.(next.row, next.column);
  };

  const onKey = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? ROW_PX) / ROW_PX) - 2);
    const whole = event.ctrlKey || event.metaKey;
    const { row, column } = active;
    switch (event.key) {
      case "ArrowDown":
        return done(event, () => move(row + 1, column));
      case "ArrowUp":
        return done(event, () => move(row - 1, column));
      case "ArrowRight":
        return done(event, () => move(row, column + 1));
      case "ArrowLeft":
        return done(event, () => move(row, column - 1));
      case "PageDown":
        return done(event, () => move(row + page, column));
      case "PageUp":
        return done(event, () => move(row - page, column));
      case "Home":
        return done(event, () => move(whole ? 0 : row, 0));
      case "End":
        return done(event, () => move(whole ? rowCount - 1 : row, columns.length - 1));
      case "Enter":
        return done(event, () => onCell?.(row, column));
      default:
        return undefined;
    }
  };

  const wide = across.getTotalSize();
  const items = across.getVirtualItems();
  const shown = rows.getVirtualItems();
  const rowRing = useRing(shown.length);
  const columnRing = useRing(items.length);
  // A cell that was scrolled away is not in the page, and nothing may point to it.
  const drawn = shown.some(({ index }) => index === active.row) && items.some(({ index }) => index === active.column);
  const pointed = (event: MouseEvent, act: (row: number, column: number) => void) => {
    const at = cellAt(event.target);
    if (at) act(at.row, at.column);
  };
  return (
    <div
      ref={scroller}
      role="grid"
      // Data keeps its order, whatever the language around it.
      dir="ltr"
      tabIndex={0}
      aria-label={label}
      aria-rowcount={rowCount + 1}
      aria-colcount={columns.length}
      aria-activedescendant={drawn ? cellId(label, active.row, active.column) : undefined}
      onKeyDown={onKey}
      onClick={(event) => pointed(event, move)}
      onDoubleClick={(event) => pointed(event, (row, column) => onCell?.(row, column))}
      className="group relative min-h-0 flex-1 overflow-auto bg-surface outline-none"
    >
      <div
        role="row"
        aria-rowindex={1}
        className="sticky top-0 z-sticky border-b border-border bg-surface"
        style={{ height: headerHeight, width: wide, minWidth: "100%" }}
      >
        {items.map((item) => {
          const column = columns[item.index];
          if (!column) return null;
          return (
            <div
              key={column.id}
              role="columnheader"
              aria-colindex={item.index + 1}
              className={clsx(
                "absolute top-0 flex h-full flex-col justify-center overflow-hidden px-3 text-caption font-medium text-ink-muted",
                column.align === "right" && "items-end text-right",
              )}
              style={{ left: item.start, width: item.size }}
            >
              {column.header}
            </div>
          );
        })}
      </div>
      <div role="rowgroup" className="relative" style={{ height: rows.getTotalSize(), width: wide }}>
        {shown.map((row) => (
          <Row
            key={row.index % rowRing}
            ring={columnRing}
            id={label}
            index={row.index}
            top={row.start}
            items={items}
            columns={columns}
            cell={cell}
            nullWord={nullWord}
            active={active.row === row.index ? active.column : null}
          />
        ))}
      </div>
    </div>
  );
}

interface RowProps {
  id: string;
  index: number;
  top: number;
  items: readonly VirtualItem[];
  /** How many cells the row takes turns with. */
  ring: number;
  columns: readonly GridColumn[];
  cell: GridProps["cell"];
  nullWord: string;
  /** The column of the active cell, when it is in this row. */
  active: number | null;
}

const Row = memo(function Row({ id, index, top, items, ring, columns, cell, nullWord, active }: RowProps) {
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      className="absolute right-0 left-0 border-b border-border contain-strict hover:bg-sunken"
      style={{ top, height: ROW_PX }}
    >
      {items.map((item) => (
        <Cell
          key={item.index % ring}
          // What has the keyboard is pointed to by its name; nothing else is.
          id={active === item.index ? cellId(id, index, item.index) : undefined}
          column={item.index}
          left={item.start}
          width={item.size}
          right={columns[item.index]?.align === "right"}
          value={cell(index, item.index)}
          nullWord={nullWord}
        />
      ))}
    </div>
  );
});

interface CellProps {
  /** Only of the active cell. */
  id: string | undefined;
  column: number;
  left: number;
  width: number;
  right: boolean;
  value: string | null | undefined;
  nullWord: string;
}

const Cell = memo(function Cell({ id, column, left, width, right, value, nullWord }: CellProps) {
  return (
    <div
      id={id}
      role="gridcell"
      tabIndex={-1}
      aria-colindex={column + 1}
      aria-selected={id !== undefined}
      className={clsx(
        "num absolute top-0 h-full truncate px-3 leading-7 whitespace-pre",
        right && "text-right",
        value === null && "text-ink-subtle",
        id !== undefined && "group-focus-visible:shadow-[inset_0_0_0_2px_var(--accent)]",
      )}
      style={{ left, width }}
    >
      {value === undefined ? null : value === null ? nullWord : <bdi>{visible(value)}</bdi>}
    </div>
  );
});

/** The most rows or columns that were drawn at once. Numbered around by it, what scrolls out at one side is what comes in
 * at the other, and nothing of the page has to be made anew. */
function useRing(drawn: number): number {
  const [most, setMost] = useState(1);
  if (drawn > most) setMost(drawn);
  return Math.max(drawn, most);
}

/** The row and column of the cell that was pointed at. */
function cellAt(target: EventTarget): { row: number; column: number } | null {
  const cell = target instanceof Element ? target.closest("[role=gridcell]") : null;
  const row = Number(cell?.parentElement?.getAttribute("aria-rowindex")) - 2;
  const column = Number(cell?.getAttribute("aria-colindex")) - 1;
  return cell ? { row, column } : null;
}

function cellId(grid: string, row: number, column: number): string {
  return `${grid.replaceAll(/\s/g, "-")}-${row}-${column}`;
}

function done(event: KeyboardEvent, act: () => void): void {
  event.preventDefault();
  act();
}

const LONGEST_SHOWN = 300;

/** One line that tells apart what looks alike: spaces at the ends and line breaks become signs. */
export function visible(value: string): string {
  if (value === "") return "∅";
  const cut = value.length > LONGEST_SHOWN ? `${value.slice(0, LONGEST_SHOWN)}…` : value;
  return cut
    .replaceAll(/\r\n|\n|\r/g, "⏎")
    .replaceAll("\t", "⇥")
    .replace(/^ +| +$/g, (spaces) => "·".repeat(spaces.length));
}
