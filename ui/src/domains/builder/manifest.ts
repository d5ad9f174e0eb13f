import { isCollection, parseDocument, type ToStringOptions } from "yaml";
import { at, type Fields, isFields, type Json, located, type Path, resolved, startsWith, textAt, textsAt } from "./json";
import { pagingOf, type Paging } from "./paging";

/** What stands in the text of a manifest, as far as the form knows it. The text itself is the truth. */
export interface Manifest {
  /** As it is written. */
  raw: Json;
  /** With what references lead to. */
  whole: Json;
  /** Where what all tables share stands: the requester. */
  requester: Path;
  tables: Table[];
  /** Why it cannot be read, with the line. */
  broken: { message: string; line: number | null } | null;
}

/** A value that the form can show, or the mark that it cannot: then it is left as it is. */
export type Shown<Value> = Value | "custom";

export interface Table {
  name: string;
  /** Where it stands in the text. */
  path: Path;
  /** Of the request. */
  address: string;
  method: string;
  parameters: Shown<Record<string, string>>;
  rows: Shown<string[]>;
  key: Shown<string[]>;
  paging: Shown<Paging>;
  newer: Shown<Newer | null>;
  parent: Shown<Parent | null>;
  /** How many columns the schema has; null: there is none. */
  columns: number | null;
}

export interface Newer {
  field: string;
  format: string;
  /** The parameter that asks for newer rows; empty: rows are compared here. */
  parameter: string;
}

export interface Parent {
  table: string;
  key: string;
  /** The name under which the path has the key. */
  field: string;
}

/** A change of the text: only what stands at the path. Undefined removes it. */
export interface Edit {
  path: Path;
  value: Json | undefined;
}

const SELECTOR: Path = ["retriever", "record_selector"];
export const ROWS: Path = [...SELECTOR, "extractor", "field_path"];
export const PAGINATOR: Path = ["retriever", "paginator"];
export const NEWER: Path = ["incremental_sync"];
export const KEY: Path = ["primary_key"];
export const PARENT: Path = ["retriever", "partition_router"];
export const ADDRESS: Path = ["retriever", "requester", "path"];
const PARAMETERS: Path = ["retriever", "requester", "request_parameters"];
const REQUESTER: Path = ["retriever", "requester"];

const nothing: Manifest = { raw: null, whole: null, requester: ["definitions", "requester"], tables: [], broken: null };

// Words that YAML 1.1 takes for something else are put in quotation marks: the interpreter follows 1.1.
const options = { compat: "yaml-1.1", strict: false, uniqueKeys: false } as const;

export function readManifest(text: string): Manifest {
  const document = parseDocument(text, options);
  const [error] = document.errors;
  if (error) {
    return { ...nothing, broken: { message: error.message.split("\n")[0] ?? error.message, line: error.linePos?.[0].line ?? null } };
  }
  const raw = document.toJS({ maxAliasCount: 1000 }) as Json;
  if (!isFields(raw)) return { ...nothing, raw };
  const whole = resolved(raw);
  const streams = at(whole, ["streams"]);
  const tables = Array.isArray(streams) ? streams.map((stream, index) => tableOf(raw, stream, index)) : [];
  const first = tables[0];
  const requester = first && located(raw, [...first.path, ...REQUESTER]);
  // A requester of its own that begins from a shared one: what is shared is meant.
  const shared = requester && at(raw, requester);
  const reference = isFields(shared) ? shared["$ref"] : undefined;
  const base = typeof reference === "string" ? reference.replace(/^#\//, "").split("/") : requester;
  return { raw, whole, requester: base ?? nothing.requester, tables, broken: null };
}

function tableOf(raw: Json, stream: Json, index: number): Table {
  const requester = at(stream, REQUESTER);
  const schema = at(stream, ["schema_loader", "schema", "properties"]);
  const parameters = at(requester, ["request_parameters"]);
  return {
    name: textAt(stream, ["name"]) ?? "",
    path: located(raw, ["streams", String(index)]) ?? ["streams", String(index)],
    address: textAt(requester, ["path"]) ?? textAt(requester, ["url"]) ?? "",
    method: textAt(requester, ["http_method"]) ?? "GET",
    parameters: parameters === undefined ? {} : isTexts(parameters) ? parameters : "custom",
    rows: rowsOf(stream),
    key: at(stream, KEY) === undefined ? [] : (textsAt(stream, KEY) ?? "custom"),
    paging: pagingOf(at(stream, PAGINATOR)),
    newer: newerOf(at(stream, NEWER)),
    parent: parentOf(at(stream, PARENT)),
    columns: isFields(schema) ? Object.keys(schema).length : null,
  };
}

function isTexts(value: Json): value is Record<string, string> {
  return isFields(value) && Object.values(value).every((each) => typeof each === "string" || typeof each === "number" || typeof each === "boolean");
}

function rowsOf(stream: Json): Shown<string[]> {
  const type = textAt(stream, [...SELECTOR, "extractor", "type"]) ?? "DpathExtractor";
  const path = textsAt(stream, ROWS);
  if (type !== "DpathExtractor" || path === undefined || path.some((step) => /[*?{}[\]]/.test(step))) return "custom";
  return path;
}

const NEWER_KNOWN = new Set(["type", "cursor_field", "datetime_format", "cursor_datetime_formats", "start_datetime", "start_time_option", "is_client_side_incremental", "$parameters"]);

function newerOf(cursor: Json | undefined): Shown<Newer | null> {
  if (cursor === undefined || cursor === null) return null;
  if (!isFields(cursor) || textAt(cursor, ["type"]) !== "DatetimeBasedCursor") return "custom";
  const field = textAt(cursor, ["cursor_field"]);
  const option = at(cursor, ["start_time_option"]);
  const inQuery = option === undefined || textAt(option, ["inject_into"]) === "request_parameter";
  if (field === undefined || field.includes("{{") || !inQuery || Object.keys(cursor).some((name) => !NEWER_KNOWN.has(name))) return "custom";
  return { field, format: textAt(cursor, ["datetime_format"]) ?? "", parameter: textAt(option, ["field_name"]) ?? "" };
}

function parentOf(router: Json | undefined): Shown<Parent | null> {
  if (router === undefined || router === null) return null;
  const parents = at(router, ["parent_stream_configs"]);
  if (textAt(router, ["type"]) !== "SubstreamPartitionRouter" || !Array.isArray(parents) || parents.length !== 1) return "custom";
  const [parent] = parents;
  return {
    table: textAt(parent, ["stream", "name"]) ?? "",
    key: textAt(parent, ["parent_key"]) ?? "",
    field: textAt(parent, ["partition_field"]) ?? "",
  };
}

/** The text with these changes. What they do not name stays: its order, its comments, what the form does not know. */
export function edited(text: string, edits: readonly Edit[]): string {
  const document = parseDocument(text, options);
  if (document.errors.length > 0) return text;
  for (const { path, value } of edits) {
    own(document, path);
    if (value === undefined) {
      if (document.hasIn(path)) document.deleteIn(path);
      continue;
    }
    const before = document.getIn(path, true);
    document.setIn(path, document.createNode(value));
    const after = document.getIn(path, true);
    // A list stays in one line when it was.
    if (isCollection(before) && isCollection(after) && Array.isArray(value) && before.flow) after.flow = true;
    // A remark about a value outlives the value.
    if (isRemarked(before) && isRemarked(after)) {
      after.comment = before.comment ?? null;
      after.commentBefore = before.commentBefore ?? null;
    }
  }
  return document.toString(styleOf(text));
}

function isRemarked(node: unknown): node is { comment?: string | null; commentBefore?: string | null } {
  return typeof node === "object" && node !== null && !Array.isArray(node);
}

/** What a reference on the way brings in becomes the table's own, so that a change of it changes no other table. */
function own(document: ReturnType<typeof parseDocument>, path: Path): void {
  for (let length = 1; length < path.length; length += 1) {
    const before = path.slice(0, length);
    const node = document.getIn(before, true);
    if (isCollection(node)) {
      const next = path.slice(0, length + 1);
      if (document.hasIn(next) || !document.hasIn([...before, "$ref"])) continue;
      const inherited = at(resolved(document.toJS() as Json), next);
      if (isFields(inherited) && length + 1 < path.length) document.setIn(next, document.createNode(inherited));
      continue;
    }
    const raw = document.toJS() as Json;
    const value = at(raw, before);
    const inherited = typeof value === "string" && value.startsWith("#/") ? resolved(raw, value) : {};
    document.setIn(before, document.createNode(isFields(inherited) ? inherited : {}));
  }
}

/** As the text is written already. */
function styleOf(text: string): ToStringOptions {
  return { lineWidth: 0, indentSeq: !/^( *)[\w$]+:\n\1- /m.test(text), flowCollectionPadding: /(?:^|[^{])[{[] \w/m.test(text) };
}

export function parameterOption(name: string): Fields {
  return { type: "RequestOption", inject_into: "request_parameter", field_name: name };
}

const START = "2020-01-01T00:00:00Z";

/** The edits that tell new rows so; null: all rows are read each time. */
export function newerEdits(manifest: Manifest, table: Table, newer: Newer | null): Edit[] {
  const path = [...table.path, ...NEWER];
  if (newer === null) return [{ path, value: undefined }];
  const cursor: Fields = {
    type: "DatetimeBasedCursor",
    cursor_field: newer.field,
    cursor_datetime_formats: [newer.format],
    datetime_format: newer.format,
    start_datetime: {
      type: "MinMaxDatetime",
      datetime: `{{ config.get('start_date', '${START}') }}`,
      datetime_format: "%Y-%m-%dT%H:%M:%SZ",
    },
    ...(newer.parameter === "" ? { is_client_side_incremental: true } : { start_time_option: parameterOption(newer.parameter) }),
  };
  const edits: Edit[] = [{ path, value: cursor }];
  const properties = ["spec", "connection_specification", "properties"];
  if (at(manifest.raw, [...properties, "start_date"]) === undefined) {
    const order = Object.keys((at(manifest.raw, properties) as Fields | undefined) ?? {}).length;
    const field: Fields = {
      type: "string",
      title: "Read what changed since",
      order,
      format: "date-time",
      examples: [START],
      pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
    };
    edits.push(...specEdits(manifest), { path: [...properties, "start_date"], value: field });
  }
  return edits;
}

/** A manifest without settings gets room for them. */
export function specEdits(manifest: Manifest): Edit[] {
  if (at(manifest.raw, ["spec", "connection_specification", "properties"]) !== undefined) return [];
  const spec: Fields = { type: "Spec", connection_specification: { type: "object", required: [], properties: {} } };
  return [{ path: ["spec"], value: spec }];
}

/** The edits by which a table is read once for each row of another; its path names the key by `{field}`. */
export function parentEdits(manifest: Manifest, table: Table, parent: Parent | null): Edit[] {
  const path = [...table.path, ...PARENT];
  if (parent === null) return [{ path, value: undefined }];
  const other = manifest.tables.find(({ name }) => name === parent.table);
  if (!other) return [];
  const router: Fields = {
    type: "SubstreamPartitionRouter",
    parent_stream_configs: [
      {
        type: "ParentStreamConfig",
        stream: { $ref: `#/${other.path.join("/")}` },
        parent_key: parent.key,
        partition_field: parent.field,
      },
    ],
  };
  return [{ path, value: router }];
}

/** `/orders/{order_id}/items` as people write it ↔ as templates have it. */
export function shownAddress(address: string): string {
  return address.replaceAll(/\{\{\s*stream_partition(?:\.(\w+)|\[['"](\w+)['"]\])\s*\}\}/g, (_, plain, quoted) => `{${plain ?? quoted}}`);
}

export function writtenAddress(address: string): string {
  return address.replaceAll(/(?<!\{)\{(\w+)\}(?!\})/g, (_, name) => `{{ stream_partition['${name}'] }}`);
}

/** A new table, or a copy of one. Tables stand where the others do. */
export function addTable(manifest: Manifest, name: string, from: Table | null): Edit[] {
  const copied = from ? (at(manifest.raw, from.path) as Fields | undefined) : undefined;
  const fresh: Fields = {
    type: "DeclarativeStream",
    name,
    primary_key: [],
    retriever: {
      type: "SimpleRetriever",
      requester: { $ref: `#/${manifest.requester.join("/")}`, path: "/", http_method: "GET" },
      record_selector: { type: "RecordSelector", extractor: { type: "DpathExtractor", field_path: [] } },
    },
  };
  const schema: Fields = { type: "object", properties: {} };
  const count = at(manifest.raw, ["streams"]);
  const next = String(Array.isArray(count) ? count.length : 0);
  return [
    { path: ["schemas", name], value: schema },
    {
      path: ["definitions", "streams", name],
      value: { ...(copied ?? fresh), name, schema_loader: { type: "InlineSchemaLoader", schema: { $ref: `#/schemas/${name}` } } },
    },
    { path: ["streams", next], value: { $ref: `#/definitions/streams/${name}` } },
  ];
}

/** Without a table, and without what only it had. */
export function removeTable(manifest: Manifest, table: Table): Edit[] {
  const isIt = (each: Table) => each.path.join("/") === table.path.join("/");
  const index = manifest.tables.findIndex(isIt);
  if (index < 0) return [];
  const edits: Edit[] = [{ path: ["streams", String(index)], value: undefined }];
  if (table.path[0] === "definitions") edits.push({ path: table.path, value: undefined });
  if (at(manifest.raw, ["schemas", table.name]) !== undefined) edits.push({ path: ["schemas", table.name], value: undefined });
  const left = manifest.tables.filter((each) => !isIt(each)).map(({ name }) => name);
  const checked = textsAt(manifest.raw, ["check", "stream_names"]) ?? [];
  const kept = checked.filter((name) => left.includes(name));
  return [...edits, { path: ["check", "stream_names"], value: kept.length > 0 ? kept : left.slice(0, 1) }];
}

/** Where the schema of a table is written. */
export function schemaEdits(manifest: Manifest, table: Table, schema: Json): Edit[] {
  const loader = [...table.path, "schema_loader"];
  const place = located(manifest.raw, [...loader, "schema"]);
  if (place) return [{ path: place, value: schema }];
  return [{ path: loader, value: { type: "InlineSchemaLoader", schema } }];
}

/** Whether something that is changed is what was guessed. */
export function touches(edits: readonly Edit[], guess: Path): boolean {
  return edits.some(({ path }) => startsWith(path, guess) || startsWith(guess, path));
}

export function parametersEdit(table: Table, parameters: Record<string, string>): Edit {
  return { path: [...table.path, ...PARAMETERS], value: Object.keys(parameters).length > 0 ? parameters : undefined };
}
