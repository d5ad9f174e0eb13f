import type { PersonalData } from "~/api/generated";
import type { GridColumn } from "~/shared/ui/Grid";
import { Head } from "./Head";
import type { ProfileStore } from "./profiles";

const CHARACTER_PX = 8.25;
const WIDTH_MIN = 96;
const WIDTH_MAX = 320;
const ROWS_MEASURED = 50;

export interface ShownColumn {
  name: string;
  /** Under the name: the type, or both types when the value changes its type on the way. */
  type: string;
  /** The part of the sampled values that are not null, 0 to 1; none when it was not counted. */
  filled?: number;
  /** Whether it is part of the key. */
  isKey?: boolean;
  /** The column of a sample whose figures its head shows. */
  of?: number;
  /** Why its values may be personal. */
  personal?: PersonalData | undefined;
  /** Whether dots stand for them. */
  hidden?: boolean;
}

/** Columns as wide as their first values, numbers to the right. */
export function gridColumns(
  columns: readonly ShownColumn[],
  rows: readonly (readonly (string | null)[])[],
  store?: ProfileStore,
): GridColumn[] {
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
        <Head
          name={column.name}
          type={column.type}
          filled={column.filled}
          isKey={column.isKey ?? false}
          personal={column.personal}
          hidden={column.hidden ?? false}
          figures={store && column.of !== undefined ? { store, column: column.of } : undefined}
        />
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
