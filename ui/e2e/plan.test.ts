import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Postgres, startPostgres } from "./support/program";
import { goTo, openPlan, syncAgain, tell } from "./support/steps";
import { closeBrowser, showFailures, Studio } from "./support/studio";

const SCHEMA = `
  create table customers (id int primary key, email text);
  insert into customers select n, 'c' || n from generate_series(1, 50) n;
  create table orders (id int primary key, amount int);
  insert into orders select n, n from generate_series(1, 200) n;
  create table visits (id int primary key, page text);
  insert into visits select n, 'p' from generate_series(1, 30) n;
`;
const pictures = process.env["SYNCLINE_SCREENSHOTS"];

interface Rows {
  total: number;
}

afterAll(closeBrowser);

describe("a careful person who plans", () => {
  let studio: Studio;
  showFailures(() => studio);
  let postgres: Postgres;
  const look = async (name: string) => {
    await studio.expectAccessible();
    if (!pictures) return;
    await mkdir(pictures, { recursive: true });
    for (const theme of ["light", "dark"]) {
      await studio.page.evaluate((wanted) => (document.documentElement.dataset["theme"] = wanted), theme);
      await studio.page.screenshot({ path: join(pictures, `${name}-${theme}.png`) });
    }
  };
  const rows = async (table: string) => (await tell<Rows>(studio.page, "data", { connection: "shop", table, offset: 0, limit: 1 })).total;
  const apply = () => studio.page.getByRole("button", { name: /^Apply/ });
  const tick = async (table: string, on: boolean) => {
    const { page } = studio;
    await goTo(page, "#/connections/shop/tables");
    await page.getByRole("checkbox", { name: `Sync ${table}` }).setChecked(on);
  };
  const saveTables = async () => {
    await studio.page.getByRole("button", { name: "Save and see the plan" }).click();
    await studio.page.getByRole("heading", { name: "Plan for shop" }).waitFor();
  };

  beforeAll(async () => {
    postgres = await startPostgres();
    await postgres.sql(SCHEMA);
    studio = await Studio.open();
    const { page } = studio;
    await page.getByRole("heading", { name: /./ }).first().waitFor();
    const { host, port, database, user, password } = postgres;
    const settings = { connector: "postgres", config: { host, port, database, user }, secrets: { password } };
    await tell(page, "systems.save", { ...settings, side: "source", name: "shop" });
    const warehouse = { ...settings, config: { host, port, database, user, schema: "lake" } };
    await tell(page, "systems.save", { ...warehouse, side: "destination", name: "warehouse" });
    const tables = [{ name: "public.customers" }, { name: "public.orders" }, { name: "public.visits", mode: "append" }];
    await tell(page, "connections.save", { connection: "shop", config: { source: "shop", destination: "warehouse", schema: "lake", tables } });
    await syncAgain(page, "shop");
  });
  afterAll(async () => {
    const complaints = [...(studio?.complaints ?? [])];
    await studio?.close();
    await postgres?.close();
    expect(complaints).toEqual([]);
  });

  it("is told when there is nothing to do", async () => {
    await openPlan(studio.page, "shop");
    await studio.page.getByText(/^No differences\. 3 tables match/).waitFor();
    expect(await studio.page.getByText(/\d changed/).count()).toBe(0);
  });

  it("cannot apply a plan when the destination changed behind its back, and reads why", async () => {
    const { page } = studio;
    await openPlan(page, "shop");
    await page.getByText(/^No differences/).waitFor();
    await postgres.sql("alter table lake.orders add column mine int");
    // Coming back to the window is when somebody would have missed it.
    await page.evaluate(() => window.dispatchEvent(new Event("focus")));
    await page.getByRole("alert").getByText("public.orders changed in the source or the destination since this plan was made").waitFor();
    expect(await apply().getAttribute("aria-disabled")).toBe("true");
    await look("plan-moved");
    await apply().click({ force: true });
    await page.keyboard.press("ControlOrMeta+Enter");
    expect(await page.evaluate(() => location.hash)).toContain("/plan");
    await page.getByRole("button", { name: "Make a new plan" }).click();
    await page.getByRole("alert").waitFor({ state: "detached" });
    expect(await apply().getAttribute("aria-disabled")).toBeNull();
  });

  it("finds the same out when Apply is pressed first", async () => {
    const { page } = studio;
    await postgres.sql("alter table lake.customers add column mine int");
    await apply().click();
    await page.getByRole("alert").getByText(/^public.customers changed/).waitFor();
    expect(await page.evaluate(() => location.hash)).toContain("/plan");
    await page.getByRole("button", { name: "Make a new plan" }).click();
    await apply().click();
    await page.getByRole("status").getByText("Every row accounted for.").waitFor();
  });

  it("unticks a table: its rows stay, and removing them is a line that nobody ticked", async () => {
    const { page } = studio;
    await tick("public.orders", false);
    await page.getByText("1 table no longer synced; rows stay").waitFor();
    await look("tables-edit");
    await saveTables();
    await page.getByText(/^No longer synced; its rows stay in lake.orders/).waitFor();
    const box = page.getByRole("checkbox", { name: /^Remove lake.orders and its rows/ });
    expect(await box.isChecked()).toBe(false);
    await look("plan-left");
    await apply().click();
    await page.getByRole("status").getByText("Every row accounted for.").waitFor();
    await openPlan(page, "shop");
    await page.getByText(/^No longer synced; its rows stay in lake.orders/).waitFor();
    await postgres.sql("do $$ begin assert (select count(*) from lake.orders) = 200; end $$");
  });

  it("takes a change of the tables back", async () => {
    const { page } = studio;
    await tick("public.orders", true);
    await saveTables();
    await page.getByText(/^No longer synced/).waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByText(/^No longer synced; its rows stay in lake.orders/).waitFor();
  });

  it("sees each of the four verbs once, and applies none of it by Enter alone", async () => {
    const { page } = studio;
    await postgres.sql("create table products (id int primary key); insert into products values (1)");
    await postgres.sql("alter table visits add column referrer text");
    await goTo(page, "#/connections/shop/tables");
    await page.getByRole("button", { name: "Read the list again" }).click();
    await page.getByRole("checkbox", { name: "Sync public.products" }).check();
    await page.getByText("public.customers", { exact: true }).first().click();
    // Codes in place of what is there: all of it has to be read again.
    await page.getByRole("button", { name: "Hash email" }).click();
    await saveTables();
    await page.getByRole("checkbox", { name: /^Remove lake.orders/ }).click();
    for (const count of [/1 new$/, /1 changed$/, /1 rebuilt$/, /1 removed$/]) await page.getByText(count).first().waitFor();
    for (const effect of ["Do not find the table any more.", "Keep the old rows until the new table"]) await page.getByText(effect).first().waitFor();
    await look("plan-verbs");
    await page.keyboard.press("Enter");
    await apply().focus();
    await page.keyboard.press("Enter");
    await page.getByText(/Enter alone does not/).waitFor();
    expect(await page.evaluate(() => location.hash)).toContain("/plan");
    await postgres.sql("do $$ begin assert (select count(*) from lake.orders) = 200; end $$");
  });

  it("removes rows when the plan that is applied says so", async () => {
    const { page } = studio;
    await page.keyboard.press("ControlOrMeta+Enter");
    await page.getByRole("status").getByText("Every row accounted for.").waitFor();
    await postgres.sql("do $$ begin assert to_regclass('lake.orders') is null; assert (select count(*) from lake.customers) = 50; end $$");
    expect(await rows("public.products")).toBe(1);
  });

  it("names a table whose rows are nowhere else before they can be removed", async () => {
    const { page } = studio;
    await tick("public.visits", false);
    await saveTables();
    const box = page.getByRole("checkbox", { name: /^Remove lake.visits/ });
    await box.click();
    await look("plan-name");
    const dialog = page.getByRole("dialog");
    expect(await dialog.getByRole("button", { name: "Put the removal into the plan" }).getAttribute("aria-disabled")).toBe("true");
    await dialog.getByRole("textbox").fill("visits");
    await dialog.getByRole("button", { name: "Put the removal into the plan" }).click();
    await page.getByText(/1 removed$/).first().waitFor();
    await page.getByText(/^Not possible/).waitFor();
  });

  it("brings a connection back that was just removed", async () => {
    const { page } = studio;
    await page.getByRole("button", { name: "More actions" }).click();
    await page.getByRole("menuitem", { name: /^Remove/ }).click();
    await page.getByRole("dialog").getByRole("button", { name: /^Remove/ }).click();
    await page.getByText("shop was removed; its rows stay in the destination").waitFor();
    // What was done before can still be taken back, too.
    await page.getByText("shop was removed").locator("xpath=ancestor::*[.//button][1]").getByRole("button", { name: "Undo" }).click();
    await goTo(page, "#/connections/shop/overview");
    await page.getByRole("complementary").getByText("About this connection").waitFor();
    await page.getByText("public.products").first().waitFor();
  });
});
