import { at, isFields, type Json, type Path } from "./json";

/** Formats of times by their look; the engine has the last word in a test. */
const looks: readonly [RegExp, string][] = [
  [/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, "%Y-%m-%dT%H:%M:%SZ"],
  [/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/, "%Y-%m-%dT%H:%M:%S.%fZ"],
  [/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:?\d\d$/, "%Y-%m-%dT%H:%M:%S%z"],
  [/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+[+-]\d\d:?\d\d$/, "%Y-%m-%dT%H:%M:%S.%f%z"],
  [/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/, "%Y-%m-%dT%H:%M:%S"],
  [/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/, "%Y-%m-%d %H:%M:%S"],
  [/^\d{4}-\d\d-\d\d$/, "%Y-%m-%d"],
  [/^1\d{9}$/, "%s"],
  [/^1\d{12}$/, "%ms"],
];

const USUAL = "%Y-%m-%dT%H:%M:%SZ";

/** The format of a field of the rows of a response. */
export function formatIn(response: Json, rows: Path, field: string): string {
  const found = at(response, rows);
  const items = Array.isArray(found) ? found : [found];
  const value = items.map((item) => (isFields(item) ? item[field] : undefined)).find((each) => each !== null && each !== undefined);
  return looks.find(([look]) => look.test(String(value)))?.[1] ?? USUAL;
}
