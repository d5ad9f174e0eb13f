import { createIntl } from "react-intl";
import { describe, expect, it } from "vitest";
import { en } from "~/shared/text/messages/en";
import { pseudo, rewritten } from "~/shared/text/messages/pseudo";

describe("English made strange", () => {
  it("is at least 40 % longer, and only where there are words", () => {
    const messages = pseudo("en-XA");
    for (const [id, message] of Object.entries(en)) {
      const letters = (text: string) => text.replaceAll(/\{[^}]*\}?|[^\p{L}]/gu, "").length;
      expect(letters(messages[id as keyof typeof en]), id).toBeGreaterThanOrEqual(Math.floor(letters(message) * 1.4));
    }
    expect(messages["common.tables"]).toMatch(/^\{count, plural, one \{# táblé/);
  });

  it.each(["en-XA", "ar-XB"] as const)("parses and formats as the original does: %s", (language) => {
    const messages = pseudo(language);
    const fail = (error: unknown) => {
      throw error;
    };
    const intl = createIntl({ locale: "en", messages, onError: fail });
    for (const id of Object.keys(en)) {
      const values = Object.fromEntries([...(en[id as keyof typeof en]).matchAll(/\{(\w+)(?=[,}])/g)].map(([, name]) => [name, 2]));
      expect(intl.formatMessage({ id }, values), id).not.toBe("");
    }
  });

  it("leaves the names of values alone", () => {
    const loud = (words: string) => words.toUpperCase();
    expect(rewritten("up to {name} of {n, number}", loud)).toBe("UP TO {name} OF {n, number}");
    expect(rewritten("{n, plural, one {# row of {table}} other {# rows}} left", loud)).toBe("{n, plural, one {# ROW OF {table}} other {# ROWS}} LEFT");
  });
});
