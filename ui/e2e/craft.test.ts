import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { cutOff, squeezed } from "./support/craft";
import { arrive, focused, goTo } from "./support/steps";
import { closeBrowser, type Look, showFailures, Studio } from "./support/studio";

/** Where pictures go; none are made without it. */
const pictures = process.env["SYNCLINE_SCREENSHOTS"];

let studio: Studio | undefined;
afterEach(async () => {
  const complaints = [...(studio?.complaints ?? [])];
  await studio?.close();
  studio = undefined;
  expect(complaints).toEqual([]);
});
// The last to be named is the first to run: while the window is still there.
showFailures(() => studio);
afterAll(closeBrowser);

async function open(look: Look): Promise<Page> {
  studio = await Studio.open(look);
  return studio.page;
}

async function keep(page: Page, name: string): Promise<void> {
  if (!pictures) return;
  await mkdir(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`) });
}

/** The sample, synced, with the keyboard: whatever the language. */
async function syncSample(page: Page): Promise<void> {
  await focused(page, page.locator("main button").first());
  await page.keyboard.press("Enter");
  // The button that was pressed keeps the focus until the plan is there.
  await page.waitForURL(/#\/connections\/sample\/plan/);
  await focused(page, page.locator("main button[data-look=primary]"));
  await page.keyboard.press("Enter");
  // The account at the end; what is to be read stands on the plan, too.
  await page.getByRole("status").getByText(/61,240/).waitFor();
}

/** The screens by their address, and what each shows in every language. */
const places: [string, string][] = [
  ["/", "sample"],
  ["/connections/sample/overview", "customers"],
  ["/connections/sample/data?table=products", "products"],
  ["/connections/sample/preview?table=orders", "orders"],
  ["/connections/sample/plan", "customers"],
  ["/connections/sample/history", "27,500"],
  ["/connections/sample/log", "sample"],
  ["/connections/sample/rejected", "sample"],
  ["/inbox", ""],
  ["/runs", "sample"],
  ["/settings", "corner-shop"],
  ["/versions", ""],
  ["/sql", "customers"],
  ["/systems/destination/studio", "studio"],
  ["/new", "SQLite"],
];

async function eachPlace(page: Page, visit: (place: string) => Promise<void>): Promise<void> {
  for (const [place, shows] of places) {
    await arrive(page, place);
    if (shows !== "") await page.getByRole("main").getByText(shows).first().waitFor();
    await page.waitForLoadState("networkidle");
    await page.waitForFunction(() => !document.querySelector("main [aria-busy=true]"));
    await visit(place);
  }
}

/** Words that stand on the screen and are plain English: they did not come from the messages. */
function unspoken(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    for (const element of document.querySelectorAll<HTMLElement>("button, [role=tab], nav a")) {
      const own = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.textContent).join("");
      // Names of tables and systems are nobody's language.
      if (/^(customers|events|orders|order_items|products|sample|studio|corner-shop)$/.test(own.trim())) continue;
      // Times are said by the language of numbers, which stays English here.
      if (/\d/.test(own)) continue;
      if (/[aeiou]/.test(own) && !/[áéíóúñçý]/i.test(own) && element.checkVisibility()) found.push(own);
    }
    return found;
  });
}

describe("a language with longer words", () => {
  it("fits: nothing is cut off, shortened or over something else", async () => {
    const page = await open({ language: "en-XA" });
    await page.getByRole("heading", { name: /^Móvé dátá/ }).waitFor();
    const found: string[] = [];
    const check = async (place: string) => {
      for (const what of [...(await cutOff(page)), ...(await squeezed(page))]) found.push(`${place}: ${what}`);
      for (const words of await unspoken(page)) found.push(`${place}: not from the messages: ${words}`);
      await keep(page, `longer-${place.replaceAll(/\W+/g, "-")}`);
    };
    await check("/welcome");
    await syncSample(page);
    await check("done");
    await eachPlace(page, check);
    expect(found).toEqual([]);
  });
});

describe("a language that is read from right to left", () => {
  it("mirrors the window, but neither data nor logs", async () => {
    const page = await open({ language: "ar-XB" });
    await page.locator("main h1").waitFor();
    await syncSample(page);
    await goTo(page, "#/connections/sample/data?table=customers");
    const grid = page.getByRole("grid");
    await grid.getByRole("gridcell").nth(3).waitFor();
    const middle = 1280 / 2;
    const edges = async (selector: string) => page.locator(selector).first().evaluate((element) => element.getBoundingClientRect().toJSON() as { left: number; right: number });
    expect((await edges("nav")).left).toBeGreaterThan(middle);
    expect((await edges("main h1")).right).toBeGreaterThan(middle);
    const cells = await grid.getByRole("row").nth(1).getByRole("gridcell").evaluateAll((all) => all.map((cell) => cell.getBoundingClientRect().left));
    expect(cells, "columns stay in their order").toEqual(cells.toSorted((a, b) => a - b));
    expect(await cutOff(page)).toEqual([]);
    await keep(page, "mirrored-data");
    await goTo(page, "#/");
    await page.getByRole("main").getByText("sample").first().waitFor();
    await keep(page, "mirrored-connections");
    expect(await cutOff(page)).toEqual([]);
    await goTo(page, "#/connections/sample/log");
    const line = page.getByRole("main").getByText(/is durable/).first();
    await line.waitFor();
    expect(await line.evaluate((element) => getComputedStyle(element).direction)).toBe("ltr");
    await keep(page, "mirrored-log");
  });
});

describe("somebody who needs more contrast", () => {
  it("gets edges and ink that are stronger", async () => {
    const page = await open({});
    await page.getByRole("button", { name: "Try it with sample data" }).waitFor();
    const ink = () => page.evaluate(() => {
      const style = getComputedStyle(document.documentElement);
      const of = (token: string) => style.getPropertyValue(token).trim();
      return { quiet: of("--text-muted") === of("--text"), edges: of("--border") === of("--border-strong") };
    });
    expect(await ink()).toEqual({ quiet: false, edges: false });
    await page.emulateMedia({ contrast: "more" });
    expect(await ink()).toEqual({ quiet: true, edges: true });
    await keep(page, "contrast-welcome");
  });

  it("sees with colours of the system what is chosen, what is primary and how things are", async () => {
    const page = await open({});
    await focused(page, page.getByRole("button", { name: "Try it with sample data" }));
    await page.emulateMedia({ forcedColors: "active" });
    const edge = (selector: string) =>
      page.locator(selector).first().evaluate((element) => {
        const { borderTopWidth, borderTopStyle, outlineStyle, borderTopColor, backgroundColor } = getComputedStyle(element);
        return { edged: outlineStyle !== "none" || (borderTopWidth !== "0px" && borderTopStyle !== "none" && borderTopColor !== backgroundColor) };
      });
    expect(await edge("main button[data-look=primary]")).toEqual({ edged: true });
    await syncSample(page);
    await goTo(page, "#/");
    await page.getByRole("main").getByText("sample").first().waitFor();
    expect(await edge("nav [aria-current=page]")).toEqual({ edged: true });
    // The marks of runs are grounds only: they keep their colours, and their heights tell them apart.
    const mark = page.getByRole("list", { name: "Last runs" }).getByRole("img").first();
    await mark.waitFor();
    expect(await mark.evaluate((element) => getComputedStyle(element).forcedColorAdjust)).toBe("none");
    await keep(page, "forced-connections");
  });
});
