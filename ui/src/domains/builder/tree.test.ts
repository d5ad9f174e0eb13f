import { describe, expect, it } from "vitest";
import { linesOf, openAtFirst, picksOf } from "./tree";

const response = { data: Array.from({ length: 30 }, (_, id) => ({ id, who: { name: "a" }, updated_at: "2026-01-01" })), meta: { next: "/p?2", token: "abc" }, big: [1, 2] };

describe("a response as a tree", () => {
  it("opens the way to the rows, and says how many are not shown", () => {
    const lines = linesOf(response, openAtFirst(response, ["data"]));
    expect(lines.slice(0, 5).map(({ name }) => name)).toEqual(["", "data", "0", "id", "who"]);
    expect(lines.find(({ kind }) => kind === "more")).toMatchObject({ path: ["data", "…"], more: 10 });
    expect(lines.findIndex(({ kind }) => kind === "more")).toBeGreaterThan(lines.findIndex(({ name }) => name === "19"));
    expect(picksOf(response, ["data", "…"], ["data"])).toEqual({ rows: null, field: null, next: null });
    expect(lines.some(({ name }) => name === "token")).toBe(true);
  });

  it("knows what a part can be", () => {
    expect(picksOf(response, ["data"], null).rows).toEqual(["data"]);
    expect(picksOf(response, ["data", "3", "id"], ["data"]).field).toBe("id");
    // A field of an array that holds no rows leads to that array first.
    expect(picksOf(response, ["data", "3", "id"], ["other"])).toEqual({ rows: ["data"], field: null, next: null });
    expect(picksOf(response, ["data", "0", "who", "name"], ["data"]).field).toBeNull();
    expect(picksOf(response, ["meta", "next"], ["data"]).next).toEqual({ path: ["meta", "next"], link: true });
    expect(picksOf(response, ["meta", "token"], ["data"]).next).toEqual({ path: ["meta", "token"], link: false });
    expect(picksOf([{ id: 1 }], ["0", "id"], []).field).toBe("id");
  });
});
