import type { Bin, SampledPreview } from "~/api/generated";

/** Rows of a sample that have one value, or a value of one range, in one column. */
export interface RowFilter {
  /** The sample whose rows these are. */
  sample: string;
  column: number;
  of: { value: string } | { from: string; to: string; bin: number };
  /** Their places among the rows as they land. */
  rows: ReadonlySet<number>;
}

/** Picks rows for a bar of a column, or takes the pick back. */
export interface Filtering {
  filter: RowFilter | null;
  onFilter: (filter: RowFilter | null) => void;
}

type Of = RowFilter["of"];

export function isOf(filter: RowFilter | null, column: number, of: Of): boolean {
  return filter !== null && filter.column === column && JSON.stringify(filter.of) === JSON.stringify(of);
}

/** The rows with this value; none when they are not as many as were counted. */
export function filterByValue(preview: SampledPreview, column: number, value: string, count: number): RowFilter | null {
  const rows = preview.rows.flatMap((row, at) => (row[column] === value ? [at] : []));
  return rows.length === count ? { sample: preview.sample, column, of: { value }, rows: new Set(rows) } : null;
}

/** The rows of each range. The ends of ranges are rounded for people, so rows are counted into ranges as the engine counts them,
 * and none are given unless every range has as many as the engine says. */
export function filtersByBin(preview: SampledPreview, column: number, bins: readonly Bin[]): readonly RowFilter[] | null {
  const measures = preview.rows.map((row) => measure(row[column] ?? null));
  const finite = measures.filter(Number.isFinite);
  const low = finite.reduce((least, each) => Math.min(least, each), Number.POSITIVE_INFINITY);
  const high = finite.reduce((most, each) => Math.max(most, each), Number.NEGATIVE_INFINITY);
  const width = (high - low) / bins.length;
  const rows = bins.map(() => new Set<number>());
  for (const [at, value] of measures.entries()) {
    if (Number.isFinite(value)) rows[Math.min(Math.floor((value - low) / width), bins.length - 1)]?.add(at);
  }
  if (!bins.every(({ count }, at) => rows[at]?.size === count)) return null;
  return bins.map(({ from, to }, at) => ({ sample: preview.sample, column, of: { from, to, bin: at }, rows: rows[at] ?? new Set() }));
}

const DAY_MS = 86_400_000;
const TIME = /^(\d{4,})-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:\+00)?)?( BC)?$/;

/** How far along a number, day or instant is, as the engine measures it: days, or microseconds since 1970. NaN for all else. */
export function measure(text: string | null): number {
  if (text === null) return Number.NaN;
  const [, year, month, day, hours, minutes, seconds, fraction = "", before] = TIME.exec(text) ?? [];
  if (year === undefined) return Number(text);
  const ms = new Date(0).setUTCFullYear(before ? 1 - Number(year) : Number(year), Number(month) - 1, Number(day));
  if (hours === undefined) return ms / DAY_MS;
  return ms * 1000 + (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1_000_000 + Number(fraction.padEnd(6, "0"));
}

/** The places of the rows of a sheet that are picked; all when nothing is. `landed`: what each row of the source becomes. */
export function pickedRows(filter: RowFilter | null, landed: readonly (number | null)[] | null): readonly number[] | null {
  if (!filter) return null;
  return landed ? landed.flatMap((lands, at) => (lands !== null && filter.rows.has(lands) ? [at] : [])) : [...filter.rows];
}
