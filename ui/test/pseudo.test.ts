import { createIntl } from "react-intl";
import { describe, expect, it } from "vitest";
import type { MessageId, Messages } from "~/shared/text";
import { en } from "~/shared/text/messages/en";
import { pseudo, rewritten } from "~/shared/text/messages/pseudo";

const ids = Object.keys(en) as MessageId[];

/** All messages as they are shown when each value is 2. */
function shown(messages: Messages): Map<MessageId, string> {
  const fail = (error: unknown) => {
    throw error;
  };
  const intl = createIntl({ locale: "en", messages, onError: fail });
  const valuesOf = (id: MessageId) => Object.fromEntries([...en[id].matchAll(/\{(\w+)(?=[,}])/g)].map(([, name]) => [name, 2]));
  return new Map(ids.map((id) => [id, intl.formatMessage({ id }, valuesOf(id))]));
}

describe("English made strange", () => {
  it("is at least 40 % longer, and only where there are words", () => {
    const letters = (text: string | undefined) => (text ?? "").replaceAll(/[^\p{L}]/gu, "").length;
    const [plain, strange] = [shown(en), shown(pseudo("en-XA"))];
    for (const id of ids) expect(letters(strange.get(id)), id).toBeGreaterThanOrEqual(Math.floor(letters(plain.get(id)) * 1.4));
    expect(strange.get("common.tables")).toMatch(/^2 táblé/);
  });

  it("is read from right to left, and has the same values in it", () => {
    const strange = shown(pseudo("ar-XB"));
    expect(strange.get("common.back")).toBe("\u202EBack\u202C");
    expect(strange.get("common.tables")).toContain("2");
  });

  it("leaves the names of values alone", () => {
    const loud = (words: string) => words.toUpperCase();
    expect(rewritten("up to {name} of {n, number}", loud)).toBe("UP TO {name} OF {n, number}");
    expect(rewritten("{n, plural, one {# row of {table}} other {# rows}} left", loud)).toBe("{n, plural, one {# ROW OF {table}} other {# ROWS}} LEFT");
  });
});
