import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { flaws } from "./support/craft";
import { difference, expectLooksAsBefore, picture, SHARE_MAX } from "./support/snapshot";
import { arrive, ask, focused, goTo, openPlan, syncAgain, syncSample } from "./support/steps";
import { closeBrowser, showFailures, Studio } from "./support/studio";

/** Where pictures go (`cargo xtask screenshots`); none are made without it. */
const pictures = process.env["SYNCLINE_SCREENSHOTS"];

afterAll(closeBrowser);

interface Screen {
  name: string;
  open: (studio: Studio) => Promise<void>;
}

const at = (name: string, hash: string, shows: string): Screen => ({
  name,
  open: async ({ page }) => {
    await arrive(page, hash.slice(1));
    await page.getByText(shows).first().waitFor();
  },
});

/** After three syncs of the sample: with drift, and with a rejected row. */
const screens: Screen[] = [
  at("connections", "#/", "sample"),
  at("overview", "#/connections/sample/overview", "About this connection"),
  at("data", "#/connections/sample/data?table=products", "Query in SQL"),
  {
    name: "preview",
    open: async ({ page }) => {
      await goTo(page, "#/connections/sample/preview?table=orders");
      await page.getByText("nothing is written").waitFor();
      await page.getByRole("gridcell").nth(1).click();
    },
  },
  { name: "plan", open: async ({ page }) => openPlan(page, "sample").then(() => page.getByText("Save for review").waitFor()) },
  at("history", "#/connections/sample/history", "Open log"),
  at("log", "#/connections/sample/log", "is durable"),
  at("rejected", "#/connections/sample/rejected", "Why it was rejected"),
  at("inbox", "#/inbox", "Inbox"),
  at("runs", "#/runs", "Rows written"),
  at("settings", "#/settings", "Appearance"),
  { name: "sql", open: async ({ page }) => void (await ask(page, "select count(*) from orders")) },
  at("system", "#/systems/destination/studio", "Used by"),
  at("catalogue", "#/new", "Where does the data come from?"),
  {
    name: "form",
    open: async ({ page }) => {
      await focused(page, page.getByPlaceholder("Search, or paste a connection address"));
      await page.keyboard.type("postgres");
      await page.keyboard.press("Enter");
      await page.getByLabel("Host").first().waitFor();
      await page.getByRole("button", { name: "Test", exact: true }).click();
      await page.getByText(/fields need your attention/).waitFor();
    },
  },
  {
    name: "tables",
    open: async ({ page }) => {
      await page.getByRole("button", { name: "Choose another" }).click();
      await page.getByRole("button", { name: /^corner-shop/ }).click();
      await page.getByRole("button", { name: /^studio/ }).click();
      await page.getByRole("checkbox", { name: "Sync customers" }).check();
      await page.getByText(/may hold personal data/).first().waitFor();
    },
  },
  {
    name: "palette",
    open: async ({ page }) => {
      await goTo(page, "#/");
      await page.getByText("From → to").waitFor();
      await page.keyboard.press("ControlOrMeta+k");
      await page.getByRole("dialog").waitFor();
    },
  },
];

/** The main screens: how they look is compared with the pictures in `snapshots`. */
const compared = new Set(["connections", "catalogue", "preview", "plan", "done", "history", "sql"]);

/** Of all screens that were looked at; told together at the end. */
const flawed: string[] = [];

async function look(studio: Studio, screen: Screen, theme: string): Promise<void> {
  await screen.open(studio);
  if (pictures) {
    await mkdir(pictures, { recursive: true });
    await studio.page.screenshot({ path: join(pictures, `${screen.name}-${theme}.png`) });
  }
  await studio.expectAccessible();
  for (const flaw of await flaws(studio.page)) flawed.push(`${screen.name}, ${theme}: ${flaw}`);
  if (compared.has(screen.name)) await expectLooksAsBefore(studio.page, `${screen.name}-${theme}`);
}

describe.each(["light", "dark"] as const)("every screen in %s", (theme) => {
  let studio: Studio;
  showFailures(() => studio);
  beforeAll(async () => {
    studio = await Studio.open({ theme });
  });
  afterAll(async () => {
    const complaints = [...(studio?.complaints ?? [])];
    await studio?.close();
    expect(complaints).toEqual([]);
  });

  it("is accessible before anything is there", async () => {
    await focused(studio.page, studio.page.getByRole("button", { name: "Try it with sample data" }));
    await look(studio, { name: "welcome", open: async () => undefined }, theme);
    for (const empty of [at("inbox-empty", "#/inbox", "No changes"), at("runs-empty", "#/runs", "No runs yet"), at("versions-empty", "#/versions", "This project has none yet")]) {
      await look(studio, empty, theme);
    }
    await goTo(studio.page, "#/");
  });

  it("is accessible when it says how things are", async () => {
    await syncSample(studio.page);
    await look(studio, { name: "done", open: async () => undefined }, theme);
    await syncAgain(studio.page, "sample");
    await syncAgain(studio.page, "sample", "1 row was rejected");
    for (const screen of screens) await look(studio, screen, theme);
  });
});

it("keeps to its own colours, sizes and grid", () => {
  expect(flawed).toEqual([]);
});

it("would notice a button that moved", async () => {
  const studio = await Studio.open();
  try {
    const button = studio.page.getByRole("button", { name: "Try it with sample data" });
    await focused(studio.page, button);
    const before = await picture(studio.page);
    expect(await difference(before, await picture(studio.page))).toBe(0);
    await button.evaluate((element) => (element.style.transform = "translateY(64px)"));
    expect(await difference(before, await picture(studio.page))).toBeGreaterThan(SHARE_MAX);
  } finally {
    await studio.close();
  }
});

it("has every word in the second language, too", async () => {
  const studio = await Studio.open({ language: "de-DE" });
  try {
    await studio.page.getByRole("heading", { name: "Daten" }).waitFor();
    await studio.page.keyboard.press("Enter");
    await studio.page.getByRole("button", { name: /Anwenden/ }).click();
    await studio.page.getByRole("status").getByText("61.240").waitFor();
    for (const place of ["overview", "history", "log", "rejected", "preview"]) {
      await goTo(studio.page, `#/connections/sample/${place}`);
      await studio.page.getByRole("main").getByRole("heading", { name: "sample" }).waitFor();
    }
    expect(await studio.page.evaluate(() => document.documentElement.lang)).toBe("de");
    expect(studio.complaints).toEqual([]);
  } finally {
    await studio.close();
  }
});
