import { describe, expect, it } from "vitest";
import type { PersonalData } from "~/api/generated";
import { preview } from "../../../test/fixture/data";
import { DOTS, maskedRow, noVeil, veiled, veilOf } from "./masking";

const guess: PersonalData = { kind: "e-mail", likely: true, evidence: "The name says so.", suggestion: "hash" };
const orders = preview("orders");
/** The status and the note may be personal; values of the note become codes. */
const sample = {
  ...orders,
  personal: orders.columns.map(({ source }) => (source === "status" || source === "note" ? guess : null)),
  columns: orders.columns.map((column) => ({ ...column, hash: column.source === "note" })),
};
const [status, note] = [2, 4];

describe("values that may be personal", () => {
  it("are dots of one length in both forms; codes and null are shown", () => {
    const shown = veiled(sample, veilOf(sample), "masked");
    expect(new Set(shown.rows.map((row) => row[status]))).toEqual(new Set([DOTS]));
    expect(new Set(shown.source_rows.map((row) => row[status]))).toEqual(new Set([DOTS]));
    expect(new Set(shown.rows.map((row) => row[note]))).toEqual(new Set(["", null]));
    expect(new Set(shown.source_rows.map((row) => row[note]))).toEqual(new Set([null]));
    expect(shown.rows[0]?.[0]).toBe("9007199254740990");
  });

  it("are dots in rows that will be rejected, too; their numbers keep all digits", () => {
    const open = new Set(["id", "doc"]);
    const row = '{"id":9007199254740993,"status":"a,}\\"b","note":null,"doc":{"status":"x","n":[1,{"y":2}]},"more":12}';
    expect(maskedRow(row, open)).toBe(
      `{"id":9007199254740993,"status":"${DOTS}","note":null,"doc":{"status":"x","n":[1,{"y":2}]},"more":"${DOTS}"}`,
    );
    expect(maskedRow("{}", open)).toBe("{}");
    for (const strange of ['{"id":1,"stat', '["secret"]', '"secret"']) expect(maskedRow(strange, open)).toBe(DOTS);
  });

  it("are not told by reasons and findings that name one", () => {
    const reason = "`ann@example.com` does not fit";
    const rejected = [{ column: "status", reason, row: '{"status":"ann@example.com"}' }, ...orders.rejected];
    const findings = [{ weight: 3, text: `1 of 1001 rows will be rejected: ${reason}` }];
    const shown = veiled({ ...sample, rejected, findings }, veilOf(sample), "masked");
    expect(JSON.stringify(shown)).not.toContain("ann@");
    expect(shown.findings[0]?.text).toBe("1 of 1001 rows will be rejected: masked");
    expect(shown.rejected.map((row) => row.reason)).toEqual(["masked", "`N/A` is not a number"]);
  });

  it("are what they are once the person wants to see them", () => {
    expect(veiled(sample, noVeil, "masked")).toBe(sample);
  });
});
