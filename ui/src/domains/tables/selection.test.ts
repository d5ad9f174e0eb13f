import { describe, expect, it } from "vitest";
import type { FoundTable } from "~/api/generated";
import { asConfig, fromConfig, personalCount, search, suggested, toggled, totalsOf, treated, unticked, withWord } from "./selection";

const column = (name: string, type = "text") => ({ name, type, nullable: true, personal: null });
const common = { kind: "table" as const, bytes_estimate: null, unreadable: null, comment: null };
const orders: FoundTable = {
  ...common,
  table: "public.orders",
  rows_estimate: 4000,
  columns: [column("id", "int64"), column("email"), column("updated_at", "timestamptz")],
  key: ["id"],
  cursors: [{ column: "updated_at", reason: "timestamp, no nulls" }],
  suggested: { mode: "merge", cursor: "updated_at" },
};
const lines: FoundTable = {
  ...common,
  table: "public.lines",
  rows_estimate: null,
  columns: [column("note", "json")],
  key: [],
  cursors: [],
  suggested: { mode: "replace", cursor: null },
};

describe("choosing tables", () => {
  it("suggests only new and changed rows where they can be found, else a full copy", () => {
    expect(suggested(orders)).toMatchObject({ mode: "merge", cursor: "updated_at" });
    expect(suggested(lines)).toMatchObject({ mode: "replace", cursor: null });
  });

  it("keeps what was set for a table when all are ticked again", () => {
    const first = toggled({}, [orders], true);
    const changed = { "public.orders": { ...first["public.orders"], mode: "history" as const, cursor: null, columns: {} } };
    expect(toggled(changed, [orders, lines], true)["public.orders"]?.mode).toBe("history");
    expect(Object.keys(toggled(changed, [orders], false))).toEqual([]);
  });

  it("writes the file's tables without what is default", () => {
    const selection = {
      "public.orders": { mode: "merge" as const, cursor: "updated_at", columns: { email: "hash" as const, id: "keep" as const } },
      "public.lines": { mode: "replace" as const, cursor: null, columns: {} },
    };
    expect(asConfig([orders, lines], selection)).toEqual([
      { name: "public.orders", mode: "merge", cursor: "updated_at", column_rules: { email: { hash: true } } },
      { name: "public.lines", mode: "replace" },
    ]);
    expect(totalsOf([orders, lines], selection)).toEqual({ tables: 2, columns: 4, rows: 4000 });
  });

  it("changes what was chosen of a file, and leaves the rest of it alone", () => {
    const file = [
      { name: "public.gone", mode: "append" as const },
      { name: "public.orders", cursor: "updated_at", target: "bestellungen", detect_deletes: true, column_rules: { email: { hash: true, name: "mail" } } },
    ];
    const selection = fromConfig([orders, lines], file);
    expect(selection["public.orders"]).toEqual({ mode: "merge", cursor: "updated_at", columns: { email: "hash" } });
    expect(asConfig([orders, lines], selection, file)).toEqual(file);
    const next = treated(toggled(selection, [lines], true), orders, "email", "keep");
    expect(asConfig([orders, lines], next, file)).toEqual([
      file[0],
      { ...file[1], column_rules: { email: { name: "mail" } } },
      { name: "public.lines", mode: "replace" },
    ]);
    const without = toggled(selection, [orders], false);
    expect(asConfig([orders, lines], without, file)).toEqual([file[0]]);
    expect(unticked(file, without)).toBe(1);
  });

  it("finds tables by columns, by type and by a missing key", () => {
    expect(search([orders, lines], "email").columns.get("public.orders")).toEqual(new Set(["email"]));
    expect(search([orders, lines], "key:none").tables).toEqual([lines]);
    expect(search([orders, lines], "type:json").tables).toEqual([lines]);
    expect(search([orders, lines], "").tables).toHaveLength(2);
  });

  it("suggests for personal data and does nothing by itself", () => {
    const personal = { kind: "e-mail", likely: true, evidence: "the name says so", suggestion: "hash" as const };
    const [id, email, updated] = orders.columns;
    if (!id || !email || !updated) throw new Error("columns");
    const guessed = { ...orders, columns: [id, { ...email, personal }, updated] };
    expect(personalCount([guessed, lines])).toBe(1);
    for (const word of ["personal", "pii"]) expect(search([guessed, lines], word).columns.get("public.orders")).toEqual(new Set(["email"]));
    expect(search([guessed, { ...lines, table: "personal" }], "personal").tables).toEqual([guessed]);
    expect(suggested(guessed).columns).toEqual({});
    expect(treated({}, guessed, "email", "hash")["public.orders"]).toMatchObject({ mode: "merge", columns: { email: "hash" } });
    expect(treated({}, guessed, "id", "exclude")).toEqual({});
    expect(withWord("shop", "personal")).toBe("shop personal");
    expect(withWord("shop personal", "personal")).toBe("shop");
  });

  it("never ticks a table that cannot be read", () => {
    const closed = { ...lines, unreadable: "no permission" };
    expect(Object.keys(toggled({}, [orders, closed], true))).toEqual(["public.orders"]);
    expect(treated({}, closed, "note", "hash")).toEqual({});
  });

  it("answers for 20,000 tables well within a keystroke", () => {
    const many = Array.from({ length: 20_000 }, (_, at) => ({ ...orders, table: `public.table_${at}` }));
    const start = performance.now();
    expect(search(many, "table_1999").tables).toHaveLength(11);
    expect(performance.now() - start).toBeLessThan(500);
  });
});
