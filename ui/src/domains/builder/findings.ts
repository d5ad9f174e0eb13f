import type { BuilderField, Evidence, Examined, TrialFinding } from "~/api/generated";
import type { Text } from "~/shared/text";
import { type Edit, KEY, type Manifest, NEWER, newerEdits, PAGINATOR, ROWS, type Table } from "./manifest";
import { type Paging, paginatorOf } from "./paging";

/** Why something was guessed, in words. */
export function why(text: Text, because: Evidence): string {
  switch (because.kind) {
    case "parameters":
      return text("builder.why.parameters", { names: because.names.join(", ") });
    case "no_array":
    case "request":
    case "usual":
      return text(`builder.why.${because.kind}`);
    default: {
      const { kind, ...values } = because;
      return text(`builder.why.${kind}`, values);
    }
  }
}

/** `data[]`; of the answer itself in words. */
export function placeName(text: Text, path: readonly string[]): string {
  return path.length === 0 ? text("builder.rowsWhole") : `${path.join(".")}[]`;
}

/** What was found, in words. */
export function sentence(text: Text, { what }: TrialFinding): string {
  switch (what.kind) {
    case "not_signed_in":
      return text("builder.found.not_signed_in", { status: what.status, sent: what.sent || "none" });
    case "asked_too_often":
      return text("builder.found.asked_too_often", { wait: what.wait ?? 0 });
    case "no_rows":
      return text("builder.found.no_rows", { at: what.at, other: what.other ? placeName(text, what.other.path) : "none" });
    case "one_object":
      return text("builder.found.one_object", { other: placeName(text, what.other.path) });
    case "one_page":
      return text("builder.found.one_page", { rows: what.rows, size: what.size !== null && what.size > what.rows ? what.size : 0 });
    case "next_seen":
      return text("builder.found.next_seen", { path: what.path.length > 0 ? what.path.join(".") : "Link" });
    case "key_unset":
      return text("builder.found.key_unset", { candidate: what.candidate ?? "none" });
    case "key_unique":
    case "key_doubled":
    case "key_missing": {
      const { kind, key, ...values } = what;
      return text(`builder.found.${kind}`, { ...values, key: key.join(", ") });
    }
    case "filter_ignored":
      return text("builder.found.filter_ignored", { ...what, parameter: what.parameter ?? "none" });
    case "time_format":
      return text("builder.found.time_format", { field: what.field, example: what.example });
    case "mixed": {
      const kinds = what.seen.filter(([kind]) => kind !== "null");
      return text("builder.found.mixed", { column: what.column, seen: kinds.map(([kind, count]) => seen(text, kind, count)).join(", ") });
    }
    case "not_recorded":
    case "page_repeats":
      return text(`builder.found.${what.kind}`);
    case "not_loaded":
      return text("builder.found.not_loaded", { message: what.message });
    case "failed":
      return text("builder.found.failed", { message: what.message });
    default: {
      const { kind, ...values } = what;
      return text(`builder.found.${kind}`, values);
    }
  }
}

export function seen(text: Text, kind: string, count: number): string {
  const known = ["null", "boolean", "integer", "number", "text", "list", "object"] as const;
  const word = known.find((each) => each === kind);
  return text("builder.seen", { kind: word ? text(`builder.kind.${word}`) : kind, count });
}

/** What to do about it, in words; nothing for what is proved. */
export function advice(text: Text, { what }: TrialFinding): string | null {
  switch (what.kind) {
    case "failed":
      return what.fix;
    case "not_signed_in":
    case "forbidden":
    case "no_such_path":
    case "web_page":
    case "not_json":
    case "server_failed":
    case "asked_too_often":
    case "refused":
    case "unreachable":
    case "not_recorded":
    case "out_of_bounds":
    case "no_rows":
    case "page_repeats":
    case "one_page":
    case "key_doubled":
    case "key_missing":
    case "time_missing":
    case "filter_ignored":
      return text(`builder.found.${what.kind}Fix`);
    default:
      return null;
  }
}

/** A button that does what helps. */
export interface Remedy {
  label: string;
  edits: Edit[];
}

export function remedy(text: Text, { what }: TrialFinding, manifest: Manifest, table: Table): Remedy | null {
  const replacement = (name: string, edits: Edit[]): Remedy => ({ label: text("builder.fixUse", { what: name }), edits });
  switch (what.kind) {
    case "no_rows":
    case "one_object":
      return what.other ? replacement(placeName(text, what.other.path), rowsEdits(table, what.other.path)) : null;
    case "key_unset":
      return what.candidate === null ? null : replacement(what.candidate, [{ path: [...table.path, ...KEY], value: [what.candidate] }]);
    case "next_seen": {
      const paging: Paging = what.path.length === 0 ? { way: "header", sizeParameter: "", size: "" } : what.link ? { way: "link", place: what.path } : { way: "cursor", parameter: "cursor", place: what.path, sizeParameter: "", size: "" };
      return replacement(what.path.join(".") || "Link", pagingEdits(table, paging));
    }
    case "time_format":
      return what.format === null || table.newer === "custom" || table.newer === null ? null : replacement(what.format, newerEdits(manifest, table, { ...table.newer, format: what.format }));
    case "filter_ignored":
      return table.newer === "custom" || table.newer === null || what.parameter === null ? null : { label: text("builder.newerParameterHelp"), edits: newerEdits(manifest, table, { ...table.newer, parameter: "" }) };
    default:
      return null;
  }
}

export function rowsEdits(table: Table, path: readonly string[]): Edit[] {
  return [{ path: [...table.path, ...ROWS], value: [...path] }];
}

export function pagingEdits(table: Table, paging: Paging): Edit[] {
  return [{ path: [...table.path, ...PAGINATOR], value: paginatorOf(paging) }];
}

/** The format of a field that the test saw; the usual one when it saw none. */
export function formatOf(examined: Examined | undefined, field: string): string {
  const found = examined?.times.find((time) => time.field === field)?.because;
  return found?.kind === "times" ? found.format : "%Y-%m-%dT%H:%M:%SZ";
}

/** The fields of the form that a finding about them belongs to, in the order they are worked through. */
export const partOf: Record<BuilderField, "connection" | "signIn" | "errors" | "table" | "yaml"> = {
  manifest: "yaml",
  address: "connection",
  sign_in: "signIn",
  path: "table",
  rows: "table",
  pages: "table",
  key: "table",
  incremental: "table",
  schema: "table",
  errors: "errors",
};

/** The field of the form that a place in the text belongs to; null: none that a test says something about. */
export function fieldAt(path: readonly string[]): BuilderField | null {
  const marks: readonly [string, BuilderField][] = [
    ["field_path", "rows"],
    ["paginator", "pages"],
    ["primary_key", "key"],
    ["incremental_sync", "incremental"],
    ["authenticator", "sign_in"],
    ["url_base", "address"],
    ["error_handler", "errors"],
    ["schema_loader", "schema"],
    ["schemas", "schema"],
    ["path", "path"],
  ];
  return marks.find(([step]) => path.includes(step))?.[1] ?? null;
}

export const guessedAt = { rows: ROWS, key: KEY, pages: PAGINATOR, incremental: NEWER } as const;
