import { describe, expect, it } from "vitest";
import { preview } from "../../../test/fixture/data";
import { landedOf, pairedSheet } from "./rows";

describe("rows side by side", () => {
  const sample = preview("orders");

  it("belong together although a row between them is rejected", () => {
    const landed = landedOf(sample);
    expect(landed?.slice(0, 6)).toEqual([0, 1, 2, null, 3, 4]);
    const sheet = pairedSheet(sample, landed ?? [], "(rejected)");
    expect(sheet.rows[3]?.slice(0, 4)).toEqual(["77", "(rejected)", "N/A", "(rejected)"]);
    for (const row of sheet.rows) if (row[1] !== "(rejected)") expect(row[0]).toBe(row[1]);
    expect([0, 1, 2, 3].map(sheet.columnOf)).toEqual([0, 0, 1, 1]);
  });

  it("are not paired when it is not known which row is rejected", () => {
    expect(landedOf({ ...sample, rejected: [] })).toBeNull();
    expect(landedOf({ ...sample, rejected: [{ column: null, reason: "", row: '{"id":12345}' }] })).toBeNull();
    expect(landedOf({ ...sample, rejected: [{ column: null, reason: "", row: "cut off {" }] })).toBeNull();
    expect(landedOf({ ...sample, source_rows: [] })).toBeNull();
  });

  it("need nothing else when none is rejected", () => {
    expect(landedOf({ ...sample, source_rows: sample.rows, rejected: [] })?.[999]).toBe(999);
  });
});
