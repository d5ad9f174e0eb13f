import type { SampledPreview, RejectedSample } from "~/api/generated";
import type { ShownColumn } from "./columns";
import { noVeil, type Veil } from "./masking";

/** Which form of the sample is looked at. */
export type Form = "source" | "landed" | "both";

type Values = readonly (string | null)[];

/**
 * For each row of the source, the row it becomes; null when it will be rejected. No answer when a rejected row cannot be
 * told from the others: a wrong pair beside each other would be worse than none.
 */
export function landedOf(preview: SampledPreview): readonly (number | null)[] | null {
  const { source_rows: source, rows } = preview;
  const missing = source.length - rows.length;
  if (missing < 0) return null;
  if (missing === 0) return source.map((_, at) => at);
  const names = preview.columns.map((column) => column.source);
  const gone = new Set<number>();
  for (const sample of preview.rejected) {
    const fields = fieldsOf(sample);
    const at = fields === null ? -1 : source.findIndex((row, index) => !gone.has(index) && isRow(fields, names, row));
    if (at >= 0) gone.add(at);
  }
  if (gone.size !== missing) return null;
  let next = 0;
  return source.map((_, at) => (gone.has(at) ? null : next++));
}

function fieldsOf({ row }: RejectedSample): Record<string, unknown> | null {
  try {
    const parsed: unknown = JSON.parse(row);
    return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed) ? (parsed as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** Whether all values of `fields` that have a plain text are those of `row`. */
function isRow(fields: Record<string, unknown>, names: readonly string[], row: Values): boolean {
  let compared = 0;
  for (const [at, name] of names.entries()) {
    const value = fields[name];
    const shown = row[at];
    if (value === undefined || shown === undefined || (typeof value === "object" && value !== null)) continue;
    compared += 1;
    const equal =
      value === null || shown === null
        ? value === shown
        : // Large numbers are rounded when JSON is read; rounded in the same way they are still compared.
          typeof value === "number"
          ? Number(shown) === value
          : String(value) === shown;
    if (!equal) return false;
  }
  return compared > 0;
}

function isKey(preview: SampledPreview, column: string): boolean {
  return preview.key.includes(column);
}

export interface Sheet {
  columns: readonly ShownColumn[];
  rows: readonly Values[];
  /** The column of the sample that a column of the sheet belongs to. */
  columnOf: (at: number) => number;
}

function guessed(preview: SampledPreview, at: number, hidden: ReadonlySet<number>): Pick<ShownColumn, "personal" | "hidden"> {
  return { personal: preview.personal[at] ?? undefined, hidden: hidden.has(at) };
}

/** `veil`: the columns of which the sample has dots instead of values. */
export function sourceSheet(preview: SampledPreview, veil: Veil = noVeil): Sheet {
  return {
    columns: preview.columns.map(({ source, source_type: type, target }, at) => ({
      name: source,
      type,
      isKey: isKey(preview, target),
      ...guessed(preview, at, veil.source),
    })),
    rows: preview.source_rows,
    columnOf: (at) => at,
  };
}

export function landedSheet(preview: SampledPreview, veil: Veil = noVeil): Sheet {
  return {
    columns: preview.columns.map((each, at) => ({
      of: at,
      isKey: isKey(preview, each.target),
      ...guessed(preview, at, veil.landed),
      name: each.source === each.target ? each.target : `${each.source} → ${each.target}`,
      type: each.source_type === each.landed_type ? each.landed_type : `${each.source_type} → ${each.landed_type}`,
      ...(preview.rows_sampled > 0 && { filled: 1 - each.nulls / preview.rows_sampled }),
    })),
    rows: preview.rows,
    columnOf: (at) => at,
  };
}

/** Each column twice: as it is and as it lands. `rejected` stands where a row will not land. */
export function pairedSheet(preview: SampledPreview, landed: readonly (number | null)[], rejected: string, veil: Veil = noVeil): Sheet {
  return {
    columns: preview.columns.flatMap((each, at) => [
      { name: each.source, type: each.source_type, ...guessed(preview, at, veil.source) },
      { name: `→ ${each.target}`, type: each.landed_type, ...guessed(preview, at, veil.landed) },
    ]),
    rows: preview.source_rows.map((row, at) => {
      const lands = landed[at] ?? null;
      const values = lands === null ? undefined : preview.rows[lands];
      return preview.columns.flatMap((_, column) => [row[column] ?? null, values ? (values[column] ?? null) : rejected]);
    }),
    columnOf: (at) => Math.floor(at / 2),
  };
}
