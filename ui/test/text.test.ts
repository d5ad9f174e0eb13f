import { createIntl } from "react-intl";
import { describe, expect, it } from "vitest";
import { de } from "~/shared/text/messages/de";
import { en } from "~/shared/text/messages/en";

const names = (message: string) => new Set([...message.matchAll(/\{(\w+)(?=[,}])/g)].map(([, name]) => name));

describe.each([
  ["en", en],
  ["de", de],
])("messages in %s", (locale, messages) => {
  it("all parse and format", () => {
    const intl = createIntl({ locale, messages, onError: (error) => { throw error; } });
    for (const [id, message] of Object.entries(messages)) {
      const values = Object.fromEntries([...names(message)].map((name) => [name, 2]));
      expect(intl.formatMessage({ id }, values), id).not.toBe("");
    }
  });

  it("speak the product's words", () => {
    for (const [id, message] of Object.entries(messages)) {
      expect(message, id).not.toMatch(/something went wrong|oops|please|!$/i);
    }
  });
});

it("use the same placeholders in both languages", () => {
  for (const [id, message] of Object.entries(en)) {
    expect(names(de[id as keyof typeof en]), id).toEqual(names(message));
  }
});
