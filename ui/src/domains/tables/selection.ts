import type { FoundColumn, FoundTable, SyncMode } from "~/api/generated";

export type Mode = SyncMode;
export type Treatment = "keep" | "hash" | "exclude";

/** How a ticked table is synced. */
export interface Chosen {
  mode: Mode;
  cursor: string | null;
  columns: Readonly<Record<string, Treatment>>;
}

export type Selection = Readonly<Record<string, Chosen>>;

/** What a table begins with when it is ticked: what the engine would do when nobody says otherwise. */
export function suggested(table: FoundTable): Chosen {
  return { ...table.suggested, columns: {} };
}

export function toggled(selection: Selection, tables: readonly FoundTable[], on: boolean): Selection {
  const next: Record<string, Chosen> = { ...selection };
  for (const table of tables) {
    // A table that cannot be read is shown with the reason, not synced.
    if (on && table.unreadable !== null) continue;
    if (on) next[table.table] ??= suggested(table);
    else delete next[table.table];
  }
  return next;
}

/** A table as it stands in a connection's file. More can stand there than can be chosen here; it is kept. */
export interface TableConfig {
  name: string;
  mode?: Mode;
  cursor?: string;
  column_rules?: Readonly<Record<string, ColumnRule>>;
  readonly [other: string]: unknown;
}

type ColumnRule = Readonly<Record<string, unknown>>;

/** The `tables` of a connection's file; what equals a default is left out. `before` is what stands there now: its order,
 * and what cannot be chosen here, stay. */
export function asConfig(tables: readonly FoundTable[], selection: Selection, before: readonly TableConfig[] = []): TableConfig[] {
  const found = new Map(tables.map((table) => [table.table, table]));
  const known = new Set(before.map(({ name }) => name));
  const kept = before.flatMap((table) => {
    const chosen = selection[table.name];
    return chosen ? [written(table, chosen, found.get(table.name))] : [];
  });
  const added = tables.flatMap((table) => {
    const chosen = selection[table.table];
    return chosen && !known.has(table.table) ? [written({ name: table.table }, chosen)] : [];
  });
  return [...kept, ...added];
}

/** `found` where the table stands in the file already: what the engine would do by itself is not written into it. */
function written(before: TableConfig, chosen: Chosen, found?: FoundTable): TableConfig {
  const { mode, cursor: _, column_rules: rulesBefore = {}, ...rest } = before;
  const byItself = mode === undefined && found?.suggested.mode === chosen.mode;
  const names = new Set([...Object.keys(rulesBefore), ...Object.keys(chosen.columns)]);
  const rules = [...names].flatMap((column) => {
    const treatment = chosen.columns[column] ?? "keep";
    const { hash: _hash, exclude: _exclude, ...other } = rulesBefore[column] ?? {};
    const rule: ColumnRule = { ...other, ...(treatment !== "keep" && { [treatment]: true }) };
    return Object.keys(rule).length > 0 ? [[column, rule] as const] : [];
  });
  return {
    ...rest,
    ...(!byItself && { mode: chosen.mode }),
    ...(chosen.cursor !== null && chosen.mode !== "replace" && { cursor: chosen.cursor }),
    ...(rules.length > 0 && { column_rules: Object.fromEntries(rules) }),
  };
}

/** What is ticked, as the file of a connection says. */
export function fromConfig(tables: readonly FoundTable[], config: readonly TableConfig[]): Selection {
  const found = new Map(tables.map((table) => [table.table, table]));
  return Object.fromEntries(
    config.map((table): [string, Chosen] => {
      const columns = Object.entries(table.column_rules ?? {}).map(([column, rule]): [string, Treatment] => [
        column,
        rule["exclude"] === true ? "exclude" : rule["hash"] === true ? "hash" : "keep",
      ]);
      const usual = found.get(table.name)?.suggested.mode ?? "merge";
      return [table.name, { mode: table.mode ?? usual, cursor: table.cursor ?? null, columns: Object.fromEntries(columns) }];
    }),
  );
}

/** How many tables were synced before and are not ticked any more. */
export function unticked(before: readonly TableConfig[], selection: Selection): number {
  return before.filter(({ name }) => !selection[name]).length;
}

export interface Totals {
  tables: number;
  columns: number;
  /** Sum of what is known; null when nothing is. */
  rows: number | null;
}

export function totalsOf(tables: readonly FoundTable[], selection: Selection): Totals {
  const totals: Totals = { tables: 0, columns: 0, rows: null };
  for (const table of tables) {
    const chosen = selection[table.table];
    if (!chosen) continue;
    totals.tables += 1;
    totals.columns += table.columns.filter(({ name }) => chosen.columns[name] !== "exclude").length;
    if (table.rows_estimate !== null) totals.rows = (totals.rows ?? 0) + table.rows_estimate;
  }
  return totals;
}

export interface Found {
  tables: FoundTable[];
  /** Columns whose name matched, by table. */
  columns: ReadonlyMap<string, ReadonlySet<string>>;
  columnCount: number;
}

/** Tables whose name, or one of whose columns, holds the query. Filters as words, as the
 * engine knows them: `key:none`, `type:json`, `personal`. */
export function search(tables: readonly FoundTable[], query: string): Found {
  const words = query.toLowerCase().trim().split(/\s+/).filter(Boolean);
  const columns = new Map<string, ReadonlySet<string>>();
  let columnCount = 0;
  if (words.length === 0) return { tables: [...tables], columns, columnCount };
  const tests = words.map(testOf);
  const found = tables.filter((table) => {
    const matched = new Set<string>();
    if (!tests.every((holds) => holds(table, matched))) return false;
    if (matched.size > 0) columns.set(table.table, matched);
    columnCount += matched.size;
    return true;
  });
  return { tables: found, columns, columnCount };
}

/** Whether a table holds a word; the columns that do are added to `matched`. */
type Test = (table: FoundTable, matched: Set<string>) => boolean;

function testOf(word: string): Test {
  if (word === "key:none") return ({ key }) => key.length === 0;
  const holds = columnTest(word);
  const byName = !isFilter(word);
  return (table, matched) => {
    let hit = false;
    for (const column of table.columns) {
      if (!holds(column)) continue;
      matched.add(column.name);
      hit = true;
    }
    return hit || (byName && lower(table.table).includes(word));
  };
}

/** Names of a large source are looked through with each key, so their small letters are kept. */
const small = new Map<string, string>();
const SMALL_MAX = 200_000;

function lower(name: string): string {
  const known = small.get(name);
  if (known !== undefined) return known;
  if (small.size >= SMALL_MAX) small.clear();
  const made = name.toLowerCase();
  small.set(name, made);
  return made;
}

function isFilter(word: string): boolean {
  return word === "personal" || word === "pii" || word.startsWith("type:");
}

function columnTest(word: string): (column: FoundColumn) => boolean {
  if (!isFilter(word)) return ({ name }) => lower(name).includes(word);
  if (!word.startsWith("type:")) return ({ personal }) => personal !== null;
  const type = word.slice(5);
  return (column) => lower(column.type).includes(type);
}

/** How many columns may hold personal data. */
export function personalCount(tables: readonly FoundTable[]): number {
  return tables.reduce((sum, { columns }) => sum + columns.filter(({ personal }) => personal !== null).length, 0);
}

/** How many columns of ticked tables may hold personal data, and nobody has said yet what to do about them. */
export function undecidedCount(tables: readonly FoundTable[], selection: Selection): number {
  return tables.reduce((sum, table) => {
    const chosen = selection[table.table];
    if (!chosen) return sum;
    return sum + table.columns.filter(({ name, personal }) => personal !== null && chosen.columns[name] === undefined).length;
  }, 0);
}

/** A query with a filter word added, or without it when it has it. */
export function withWord(query: string, word: string): string {
  const words = query.trim().split(/\s+/).filter(Boolean);
  return (words.includes(word) ? words.filter((each) => each !== word) : [...words, word]).join(" ");
}

/** A selection in which a column is treated in a way; the table is ticked when it was not. */
export function treated(selection: Selection, table: FoundTable, column: string, treatment: Treatment): Selection {
  // The key says which row is which: it cannot be left out.
  if (table.unreadable !== null || (treatment === "exclude" && table.key.includes(column))) return selection;
  const before = selection[table.table] ?? suggested(table);
  return { ...selection, [table.table]: { ...before, columns: { ...before.columns, [column]: treatment } } };
}
