import { appendFile } from "node:fs/promises";

export interface Figure {
  /** What was measured. */
  name: string;
  value: number;
  unit: string;
  /** What it should be at most, where something is asked. */
  goal?: number;
  /** What else there is to know. */
  note?: string;
}

/** Hands a figure to the command that asked for it: one line of JSON in the file it named. */
export async function report(figure: Figure): Promise<void> {
  const file = process.env["SYNCLINE_FIGURES"];
  if (!file) throw new Error("SYNCLINE_FIGURES names no file; run `cargo xtask bench window`");
  await appendFile(file, `${JSON.stringify(figure)}\n`);
}

/** The value below which this part of all values lies. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
