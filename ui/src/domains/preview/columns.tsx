import type { GridColumn } from "~/shared/ui/Grid";

const CHARACTER_PX = 7.5;
const WIDTH_MIN = 96;
const WIDTH_MAX = 320;
const ROWS_MEASURED = 50;

export interface ShownColumn {
  name: string;
  /** Under the name: the type, or both types when the value changes its type on the way. */
  type: string;
}

/** Columns as wide as their first values, numbers to the right. */
export function gridColumns(columns: readonly ShownColumn[], rows: readonly (readonly (string | null)[])[]): GridColumn[] {
  return columns.map((column, at) => {
    const longest = Math.max(
      column.name.length,
      column.type.length * 0.85,
      ...rows.slice(0, ROWS_MEASURED).map((row) => row[at]?.length ?? 4),
    );
    return {
      id: `${at}:${column.name}`,
      width: Math.min(WIDTH_MAX, Math.max(WIDTH_MIN, Math.round(longest * CHARACTER_PX) + 28)),
      align: isNumber(column.type) ? "right" : undefined,
      header: (
        <>
          <bdi className="truncate text-ink">{column.name}</bdi>
          <span className="truncate font-normal text-ink-subtle">{column.type}</span>
        </>
      ),
    };
  });
}

/** Whether a type of ours or of a destination is a number. */
export function isNumber(type: string): boolean {
  return /^(u?(tiny|small|big|huge)?int|u?int\d*|integer|float|double|real|decimal|numeric|number)/i.test(
    type.split(" → ").at(-1) ?? type,
  );
}
