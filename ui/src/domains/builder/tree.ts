import { at, isFields, type Json, type Path } from "./json";

/** A line of a response that is shown as a tree. */
export interface Line {
  path: string[];
  name: string;
  depth: number;
  /** How many items it holds, when it is an array or an object. */
  size: number | null;
  /** `more` stands for items that are not shown. */
  kind: "list" | "object" | "value" | "more";
  open: boolean;
  /** What is shown of a value. */
  shown: string;
  /** Items that are not shown. */
  more: number;
}

/** Items of an array that are shown at first: rows look alike. */
const ITEMS_SHOWN = 20;
const LONGEST_SHOWN = 120;

export function keyOf(path: Path): string {
  return JSON.stringify(path);
}

/** The lines that are open, in their order. */
export function linesOf(root: Json, open: ReadonlySet<string>): Line[] {
  const lines: Line[] = [];
  const add = (value: Json, path: string[], name: string) => {
    const isOpen = open.has(keyOf(path));
    const items = Array.isArray(value) ? value : isFields(value) ? Object.values(value) : null;
    const line: Line = {
      path,
      name,
      depth: path.length,
      size: items?.length ?? null,
      kind: Array.isArray(value) ? "list" : items ? "object" : "value",
      open: isOpen,
      shown: items ? "" : short(value),
      more: Array.isArray(value) && isOpen ? Math.max(0, value.length - ITEMS_SHOWN) : 0,
    };
    lines.push(line);
    if (!isOpen) return;
    if (Array.isArray(value)) {
      for (const [index, item] of value.slice(0, ITEMS_SHOWN).entries()) add(item, [...path, String(index)], String(index));
      if (line.more > 0) lines.push({ ...line, path: [...path, "…"], name: "", depth: path.length + 1, size: null, kind: "more", open: false });
    } else if (isFields(value)) for (const [key, field] of Object.entries(value)) add(field, [...path, key], key);
  };
  add(root, [], "");
  return lines;
}

function short(value: Json): string {
  const written = JSON.stringify(value);
  return written.length > LONGEST_SHOWN ? `${written.slice(0, LONGEST_SHOWN)}…` : written;
}

/** What is open at first: the way to the rows, the first row, and objects about pages. */
export function openAtFirst(root: Json, rows: Path | null): Set<string> {
  const open = new Set([keyOf([])]);
  for (let length = 1; length <= (rows?.length ?? 0); length += 1) open.add(keyOf(rows?.slice(0, length) ?? []));
  if (rows && Array.isArray(at(root, rows))) open.add(keyOf([...rows, "0"]));
  if (isFields(root)) {
    for (const [name, field] of Object.entries(root)) if (isFields(field) && Object.keys(field).length <= 8) open.add(keyOf([name]));
  }
  return open;
}

/** What a line could be. */
export interface Picks {
  rows: string[] | null;
  /** The field of the rows. */
  field: string | null;
  /** Where the way to the next page stands. */
  next: { path: string[]; link: boolean } | null;
}

/** What can be done with a place of the response, when the rows are at `rows`. */
export function picksOf(root: Json, path: Path, rows: Path | null): Picks {
  const value = at(root, path);
  if (value === undefined) return { rows: null, field: null, next: null };
  const firstIndex = path.findIndex((step, index) => Array.isArray(at(root, path.slice(0, index))) && /^\d+$/.test(step));
  if (Array.isArray(value) && firstIndex === -1) return { rows: [...path], field: null, next: null };
  const scalar = value !== null && typeof value !== "object";
  if (firstIndex === -1) {
    const link = typeof value === "string" && /^(https?:\/)?\//.test(value);
    return { rows: null, field: null, next: (scalar || value === null) && path.length > 0 ? { path: [...path], link } : null };
  }
  // Inside an array: a field of its items, when that array holds the rows.
  const holder = path.slice(0, firstIndex);
  const field = path[firstIndex + 1];
  const isOfRows = rows !== null && holder.length === rows.length && holder.every((step, index) => step === rows[index]);
  return { rows: isOfRows ? null : [...holder], field: isOfRows && scalar && path.length === firstIndex + 2 ? (field ?? null) : null, next: null };
}
