import { describe, expect, it } from "vitest";
import type { ConnectionVersion, ConnectorVersions, TableDiff } from "~/api/generated";
import { attention, newerFor, standings, takesAway } from "./model";

function user(connection: string, version: string, more: Partial<ConnectionVersion> = {}): ConnectionVersion {
  return { connection, version, own: false, runs_on: version, falls_back: null, back: null, marks: [], ...more };
}

const bad = { version: "2", worked_at: null, bad_since: "2026-11-02T08:00:00Z", bad_because: "it lost a column" };
const worked = { version: "1", worked_at: "2026-11-01T08:00:00Z", bad_since: null, bad_because: null };

function shop(...connections: ConnectionVersion[]): ConnectorVersions {
  return { connector: "shop", title: "Shop", versions: ["2", "1"], sources: [{ source: "shop", version: "2", pinned: true, back: null, connections }] };
}

describe("versions side by side", () => {
  it("say who runs on them, and for whom they are bad", () => {
    const [newest, first] = standings(shop(user("main", "2", { runs_on: "1", marks: [worked, bad] }), user("other", "2")));
    expect(newest).toMatchObject({ version: "2", sources: ["shop"], running: ["other"], worked: null });
    expect(newest?.bad.map(({ connection, mark }) => [connection, mark.bad_because])).toEqual([["main", "it lost a column"]]);
    expect(first).toMatchObject({ version: "1", sources: [], running: ["main"], worked: worked.worked_at, bad: [] });
  });

  it("ask for a look when something is newer, unless it is known to be bad", () => {
    const behind = user("main", "1");
    expect([newerFor(shop(), behind), attention(shop(behind))]).toEqual(["2", "newer"]);
    const burnt = user("main", "1", { marks: [bad] });
    expect([newerFor(shop(), burnt), attention(shop(burnt))]).toEqual([null, null]);
    expect(attention(shop(user("main", "2", { runs_on: "1", marks: [bad] }), behind))).toBe("bad");
    expect(attention(shop(user("main", "2")))).toBeNull();
  });

  it("know what takes something away", () => {
    const plan = (tables: TableDiff[]) => ({ connector: "shop", to: "2", sources: [{ source: "shop", from: "1", connections: [], problem: null, diff: { tables, same: 0 } }] });
    const table: TableDiff = { table: "users", change: "changed", columns: [], key: null, unreadable: null };
    const column = (before: string | null, after: string | null) => ({ ...table, columns: [{ column: "email", before, after }] });
    expect(takesAway(plan([{ ...table, change: "added" }, column(null, "text")]))).toBe(false);
    for (const worse of [column("text", null), column("text", "int64"), { ...table, change: "removed" as const }, { ...table, unreadable: "a custom class" }]) {
      expect(takesAway(plan([worse]))).toBe(true);
    }
    expect(takesAway({ connector: "shop", to: "2", sources: [{ source: "shop", from: "1", connections: [], problem: null, diff: null }] })).toBe(true);
  });
});
