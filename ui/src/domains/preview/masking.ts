import { useCallback, useState } from "react";
import type { RejectedSample, SampledPreview } from "~/api/generated";

/** What stands for a value that may be personal: always as long, so that not even its length is told. */
export const DOTS = "••••";

/** The columns whose values are not shown, in each form. A code that a value became tells nothing and is shown. */
export interface Veil {
  source: ReadonlySet<number>;
  landed: ReadonlySet<number>;
}

const none: ReadonlySet<number> = new Set();
export const noVeil: Veil = { source: none, landed: none };

/** Everything that may be personal. */
export function veilOf({ personal, columns }: Pick<SampledPreview, "personal" | "columns">): Veil {
  const source = new Set(personal.flatMap((guess, at) => (guess ? [at] : [])));
  return { source, landed: new Set([...source].filter((at) => !columns[at]?.hash)) };
}

/** The sample with dots for what is not shown. Null stays: it is no value. `reason` stands for reasons that may name a value. */
export function veiled(preview: SampledPreview, veil: Veil, reason: string): SampledPreview {
  if (veil.source.size === 0) return preview;
  const open = new Set(preview.columns.flatMap(({ source }, at) => (veil.source.has(at) ? [] : [source])));
  const tells = ({ column }: RejectedSample) => column !== null && open.has(column);
  const told = new Set(preview.rejected.filter((row) => !tells(row)).map((row) => row.reason));
  return {
    ...preview,
    rows: preview.rows.map((row) => masked(row, veil.landed)),
    source_rows: preview.source_rows.map((row) => masked(row, veil.source)),
    rejected: preview.rejected.map((row) => ({ ...row, row: maskedRow(row.row, open), ...(!tells(row) && { reason }) })),
    findings: preview.findings.map((finding) => ({
      ...finding,
      text: [...told].reduce((text, each) => text.replace(each, () => reason), finding.text),
    })),
  };
}

function masked(row: readonly (string | null)[], hidden: ReadonlySet<number>): (string | null)[] {
  return row.map((value, at) => (value !== null && hidden.has(at) ? DOTS : value));
}

/** A row as JSON in which only columns that are open have their values. Its numbers are not parsed, which would round large
 * ones; what is no row of columns is not shown at all. */
export function maskedRow(row: string, open: ReadonlySet<string>): string {
  const members = membersOf(row);
  if (!members) return DOTS;
  return `{${members.map(([name, value]) => `${name}:${value === "null" || open.has(String(JSON.parse(name))) ? value : `"${DOTS}"`}`).join(",")}}`;
}

/** The names and values of an object, each as it is written. */
function membersOf(json: string): readonly (readonly [string, string])[] | null {
  try {
    const parsed: unknown = JSON.parse(json);
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return null;
  } catch {
    return null;
  }
  const members: (readonly [string, string])[] = [];
  let depth = 0;
  let begin = 0;
  for (const { 0: sign, index } of json.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{},]/g)) {
    if (sign === "{" || sign === "[") {
      depth += 1;
      if (depth === 1) begin = index + 1;
    } else if (sign === "}" || sign === "]" || sign === ",") {
      if (depth === 1) {
        const [, name, value] = /^\s*("(?:[^"\\]|\\.)*")\s*:\s*([^]*?)\s*$/.exec(json.slice(begin, index)) ?? [];
        if (name !== undefined && value !== undefined) members.push([name, value]);
        begin = index + 1;
      }
      if (sign !== ",") depth -= 1;
    }
  }
  return members;
}

const keyOf = (connection: string) => `syncline.values-shown:${connection}`;

/** Whether the person wants to see what may be personal, in this connection. Holds as long as the window is open. */
export function useShowValues(connection: string): readonly [boolean, (shown: boolean) => void] {
  const [shown, setShown] = useState(() => sessionStorage.getItem(keyOf(connection)) !== null);
  const set = useCallback(
    (next: boolean) => {
      setShown(next);
      if (next) sessionStorage.setItem(keyOf(connection), "shown");
      else sessionStorage.removeItem(keyOf(connection));
    },
    [connection],
  );
  return [shown, set];
}
