import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask, goTo, openPlan, syncAgain, syncSample } from "./support/steps";
import { closeBrowser, showFailures, Studio } from "./support/studio";

afterAll(closeBrowser);

describe("somebody who has never read a manual", () => {
  let studio: Studio;
  showFailures(() => studio);
  beforeAll(async () => {
    studio = await Studio.open();
  });
  afterAll(async () => {
    const complaints = [...(studio?.complaints ?? [])];
    await studio?.close();
    expect(complaints).toEqual([]);
  });

  it("has synced rows after two key presses and less than 60 seconds", async () => {
    const { page } = studio;
    const begun = Date.now();
    await syncSample(page);
    expect(Date.now() - begun).toBeLessThan(60_000);
    await page.getByRole("status").getByText("61,240 rows in 5 tables").waitFor();
    await page.getByTitle("27,500 committed = 27,500 counted").waitFor();
  });

  it("looks at the data", async () => {
    const { page } = studio;
    await page.getByRole("button", { name: "Look at the data" }).click();
    const grid = page.getByRole("grid", { name: "Rows of customers" });
    await grid.waitFor();
    expect(await grid.getAttribute("aria-rowcount")).toBe("2001");
    await grid.getByRole("gridcell", { name: "james.wright1@example.org" }).waitFor();
    // Far below what is loaded: the window of rows is fetched when it is looked at.
    await grid.focus();
    await page.keyboard.press("ControlOrMeta+End");
    await grid.locator('[role="row"][aria-rowindex="2001"]').waitFor();
  });

  it("queries it", async () => {
    expect(await ask(studio.page, "select count(*), count(distinct id) from customers")).toEqual(["2000", "2000"]);
    // 2^53 + 1 is not rounded on its way to the screen.
    expect(await ask(studio.page, "select 9007199254740993")).toEqual(["9007199254740993"]);
  });

  it("sees what the second sync will change before it does", async () => {
    const { page } = studio;
    await openPlan(page, "sample");
    await page.getByText("2 changed").waitFor();
    await page.getByText(/new column/).first().waitFor();
    await syncAgain(page, "sample");
    expect(await ask(page, "select count(*) from customers")).toEqual(["2024"]);
  });

  it("repairs a row that was rejected in the third sync", async () => {
    const { page } = studio;
    await syncAgain(page, "sample", "1 row was rejected");
    await page.getByRole("button", { name: "Show rejected rows" }).click();
    const row = page.getByRole("row").filter({ hasText: /not|cannot|no / }).last();
    await row.waitFor();
    const before = await ask(page, "select count(*) from orders");
    await goTo(page, "#/connections/sample/rejected");
    await page.getByRole("checkbox", { name: /^Tick row/ }).check();
    await page.getByRole("button", { name: "Load 1 row again" }).click();
    const field = page.getByRole("dialog").getByRole("textbox").first();
    await field.fill("12.50");
    await page.getByRole("dialog").getByRole("button", { name: "Load 1 row again" }).click();
    await page.getByText("1 row loaded, 0 kept").waitFor();
    await page.getByText("No rejected rows.").waitFor();
    const after = await ask(page, "select count(*) from orders");
    expect(Number(after[0])).toBeGreaterThanOrEqual(Number(before[0]));
  });

  it("finds its way by keyboard alone", async () => {
    const { page } = studio;
    await page.keyboard.press("ControlOrMeta+k");
    await page.getByRole("combobox").or(page.getByRole("textbox", { name: /command/i })).first().waitFor();
    await page.keyboard.type("inbox");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Inbox" }).waitFor();
    await page.keyboard.press("ControlOrMeta+1");
    await page.getByRole("heading", { name: "Connections" }).waitFor();
    await page.keyboard.press("ControlOrMeta+/");
    await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
    await page.keyboard.press("Escape");
  });
});
