import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";

const script = readFileSync("public/boot.js", "utf8");

/** Runs the first script as a page would that reports this language and keeps these settings. */
function boot(language: string, stored: string | null, dark: boolean) {
  const navigator: { language: string; languages: string[] } = { language, languages: [language] };
  const root = { dataset: {} as Record<string, string>, lang: "" };
  runInNewContext(script, {
    navigator,
    Intl,
    JSON,
    Object,
    localStorage: { getItem: () => stored },
    matchMedia: () => ({ matches: dark }),
    document: { documentElement: root },
  });
  return { navigator, root };
}

describe("the first script", () => {
  it("repairs the language that WebKitGTK reports under LANG=C, which Intl refuses", () => {
    expect(() => new Intl.NumberFormat("C")).toThrow(RangeError);
    const { navigator } = boot("C", null, false);
    expect(() => new Intl.NumberFormat(navigator.language)).not.toThrow();
    expect(navigator.languages).toEqual(["en-US"]);
  });

  it("leaves a real language alone", () => {
    expect(boot("de-AT", null, false).navigator.language).toBe("de-AT");
  });

  it("sets the theme before the first paint: the chosen one, else the system's", () => {
    expect(boot("en", null, true).root.dataset["theme"]).toBe("dark");
    expect(boot("en", '{"state":{"theme":"light","density":"compact"}}', true).root.dataset).toEqual({ theme: "light", density: "compact" });
    expect(boot("en", "{broken", false).root.dataset["theme"]).toBe("light");
  });
});
