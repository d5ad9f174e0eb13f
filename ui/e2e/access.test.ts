import type { Page } from "playwright-core";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { cutOff } from "./support/craft";
import { arrive, ask, focused, syncSample } from "./support/steps";
import { closeBrowser, type Look, Studio } from "./support/studio";

let studio: Studio | undefined;
afterEach(async () => {
  const complaints = [...(studio?.complaints ?? [])];
  await studio?.close();
  studio = undefined;
  expect(complaints).toEqual([]);
});
afterAll(closeBrowser);

async function open(look: Look = {}): Promise<Page> {
  studio = await Studio.open(look);
  return studio.page;
}

describe("somebody without a mouse", () => {
  it("sets up a connection, syncs it and finds its rows", async () => {
    const page = await open();
    await focused(page, page.getByRole("button", { name: "Try it with sample data" }));
    await page.keyboard.press("Tab");
    await focused(page, page.getByRole("button", { name: "Connect your own data" }));
    await page.keyboard.press("Enter");

    await focused(page, page.getByPlaceholder("Search, or paste a connection address"));
    await page.keyboard.type("sample");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Sample data" }).waitFor();
    await page.keyboard.press("ControlOrMeta+Enter");
    await page.getByText(/^Ready/).waitFor();
    await page.keyboard.press("ControlOrMeta+Enter");

    await page.getByRole("heading", { name: "Where should it go?" }).waitFor();
    await focused(page, page.getByPlaceholder("Search, or paste a connection address"));
    await page.keyboard.type("duck");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "DuckDB" }).waitFor();
    await tabTo(page, "Path");
    await page.keyboard.type("keys.duckdb");
    await page.keyboard.press("ControlOrMeta+Enter");
    await page.getByText(/^Ready/).waitFor();
    await page.keyboard.press("ControlOrMeta+Enter");

    await page.getByRole("treegrid", { name: "Tables" }).waitFor();
    await tabTo(page, "Tables", "treegrid");
    await page.keyboard.press("Space");
    await page.getByText(/1 of 5 tables/).waitFor();
    await tabTo(page, "Continue", "button");
    await page.keyboard.press("Enter");
    await tabTo(page, "Name of the connection");
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.type("by-keyboard");
    await page.keyboard.press("Enter");

    await page.getByRole("heading", { name: /^This will create 1 table/ }).waitFor();
    await page.keyboard.press("ControlOrMeta+Enter");
    await page.getByText("Every row accounted for.").waitFor();
    expect(await ask(page, "select count(*) from customers")).toEqual(["2000"]);
  });
});

describe("somebody who needs large letters", () => {
  // 200 % of 1280 × 800, and the narrow window of the checklist.
  const windows = [
    { width: 640, height: 400, scale: 2 },
    { width: 960, height: 800, scale: 1 },
  ];
  it.each(windows)("finds nothing cut off in $width × $height", async ({ width, height, scale }) => {
    const page = await open({ viewport: { width, height }, scale });
    await page.getByRole("button", { name: "Try it with sample data" }).waitFor();
    expect(await cutOff(page), "welcome").toEqual([]);
    await syncSample(page);
    const places = ["/", "/inbox", "/runs", "/settings", "/builder", "/versions", "/new", "/sql"];
    const cut: string[] = [];
    const tabs = ["overview", "data", "preview", "plan", "history", "log", "rejected"];
    for (const place of [...places, ...tabs.map((tab) => `/connections/sample/${tab}`)]) {
      await arrive(page, place);
      await page.waitForLoadState("networkidle");
      // What is not there yet cannot be cut off.
      await page.waitForFunction(() => !document.querySelector("main [aria-busy=true]"));
      for (const what of await cutOff(page)) cut.push(`${place}: ${what}`);
    }
    expect(cut).toEqual([]);
  });
});

describe("somebody whom motion disturbs", () => {
  it("sees none that lasts or repeats; others do", async () => {
    const moves = (page: Page) =>
      page.evaluate(() => {
        const probe = document.body.appendChild(document.createElement("div"));
        probe.style.cssText = "animation: probe 2s infinite; transition: transform 1s";
        const { animationDuration, animationIterationCount, transitionDuration, transitionProperty } = getComputedStyle(probe);
        probe.remove();
        return [animationDuration, animationIterationCount, transitionDuration, transitionProperty];
      });
    const calm = await open({ reducedMotion: true });
    await calm.getByRole("button", { name: "Try it with sample data" }).waitFor();
    expect(await moves(calm)).toEqual(["0.08s", "1", "0.08s", "opacity"]);
    await calm.emulateMedia({ reducedMotion: "no-preference" });
    expect(await moves(calm)).toEqual(["2s", "infinite", "1s", "transform"]);
  });
});

/** Presses Tab until the control has the focus, as far as somebody would go. */
async function tabTo(page: Page, name: string, role: "textbox" | "button" | "treegrid" = "textbox"): Promise<void> {
  const control = page.getByRole(role, { name }).first();
  await control.waitFor();
  for (let presses = 0; presses < 40; presses++) {
    if (await control.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`${role} ${name} cannot be reached with Tab`);
}
