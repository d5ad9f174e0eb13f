import { readdirSync, readFileSync } from "node:fs";
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

it("has no message that nothing shows", () => {
  const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((file) => /\.tsx?$/.test(file) && !file.includes("messages"));
  const source = files.map((file) => readFileSync(`src/${file}`, "utf8")).join("\n");
  const built = [...source.matchAll(/`([\w.]+\.)\$\{/g)].map(([, prefix]) => prefix ?? "");
  const unused = Object.keys(en).filter((id) => !source.includes(`"${id}"`) && !built.some((prefix) => id.startsWith(prefix)));
  expect(unused).toEqual([]);
});

it("use the same placeholders in both languages", () => {
  for (const [id, message] of Object.entries(en)) {
    expect(names(de[id as keyof typeof en]), id).toEqual(names(message));
  }
});
