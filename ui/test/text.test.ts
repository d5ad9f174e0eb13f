import { readdirSync, readFileSync } from "node:fs";
import { createIntl } from "react-intl";
import { describe, expect, it } from "vitest";
import { de } from "~/shared/text/messages/de";
import { en } from "~/shared/text/messages/en";

const names = (message: string) => new Set([...message.matchAll(/\{(\w+)(?=[,}])/g)].map(([, name]) => name));

/** What is never said: answers without a verb, excuses, moods, and the words of engines for what people call tables and syncs. */
const banned =
  /^(ok|yes|no|submit|proceed)$|something went wrong|an error occurred|completed with warnings|oops|\bplease\b|\b(we|our|us)\b|!$|^(clear|reset|refresh)\b|\b(streams?|actors?|replication|jobs?|workspaces?|namespaces?)\b|^(ja|nein|absenden|fortfahren)$|\bbitte\b|\bhoppla\b|\b(wir|uns|unsere?)\b|etwas ist schiefgelaufen|ein fehler ist aufgetreten|zurücksetzen/i;

/** Words that are written with a capital wherever they stand: names, keys, and the names of places in the window. */
const capitals = /^(SQL|CSV|UTC|YAML|JSON|API|HTTP|OpenAPI|Airbyte|Singer|PyPI|DuckDB|Syncline|Ctrl\+Enter|Settings|Inbox|Overview|I|A|X|F6)$/;

it("writes titles and buttons like sentences", () => {
  for (const [id, message] of Object.entries(en)) {
    const words = message.replaceAll(/\{[^}]*\}?/g, "").split(/\s+/).filter(Boolean);
    if (words.length > 5 || /[.:?]/.test(message)) continue;
    const shouting = words.slice(1).filter((word) => /^\p{Lu}/u.test(word) && !capitals.test(word));
    expect(shouting, id).toEqual([]);
  }
});

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
      expect(message, id).not.toMatch(banned);
      expect(message, id).not.toMatch(/\p{Emoji_Presentation}/u);
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
