import { describe, expect, it } from "vitest";
import { preview } from "../../../test/fixture/data";
import { filterByValue, filtersByBin, measure, pickedRows } from "./filter";

const orders = preview("orders");
const withValues = (values: readonly (string | null)[]) => ({ ...orders, rows: values.map((value) => [value]) });
const bin = (count: number) => ({ from: "", to: "", count });

describe("a bar picks", () => {
  it("the rows with its value, if they are as many as were counted", () => {
    const filter = filterByValue(orders, 2, "open", 333);
    expect(filter?.rows.size).toBe(333);
    expect(filter?.rows.has(1)).toBe(true);
    expect(filterByValue(orders, 2, "open", 334)).toBeNull();
  });

  it("the rows of its range: the ends that people read are rounded, the ranges are not", () => {
    const sample = withValues(["0", "0.3333", "0.33334", null, "NaN", "1", "0.9"]);
    const filters = filtersByBin(sample, 0, [bin(2), bin(1), bin(2)]);
    expect(filters?.map(({ rows }) => [...rows])).toEqual([[0, 1], [2], [5, 6]]);
    expect(filtersByBin(sample, 0, [bin(3), bin(0), bin(2)])).toBeNull();
  });

  it("days and instants, as far apart as they are", () => {
    const sample = withValues(["2026-01-01", "2026-01-31", "infinity", "2026-01-02"]);
    expect(filtersByBin(sample, 0, [bin(2), bin(0), bin(1)])?.map(({ rows }) => [...rows])).toEqual([[0, 3], [], [1]]);
    expect(measure("1970-01-02")).toBe(1);
    expect(measure("1970-01-01 00:00:01.5+00")).toBe(1_500_000);
    expect(measure("0001-01-01")).toBe(-719_162);
    expect(measure("0001-01-01 BC")).toBe(-719_528);
    expect(measure("-1.50")).toBe(-1.5);
    for (const none of ["infinity", "NaN", "paid"]) expect(Number.isFinite(measure(none))).toBe(false);
  });

  it("rows of the source by what they become", () => {
    const filter = filterByValue(orders, 2, "open", 333);
    expect(pickedRows(filter, null)?.slice(0, 2)).toEqual([1, 4]);
    expect(pickedRows(filter, [0, null, 1, 2])).toEqual([2]);
    expect(pickedRows(null, [0, 1])).toBeNull();
  });
});
