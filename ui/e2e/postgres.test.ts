import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CLOSE_GATE, GATE, type Postgres, startPostgres } from "./support/program";
import { expectLooksAsBefore } from "./support/snapshot";
import { ask, focused, goTo, openPlan, syncAgain } from "./support/steps";
import { closeBrowser, showFailures, Studio } from "./support/studio";

const ORDERS = 200_000;
const SCHEMA = `
  create table customers (id int primary key, email text, updated_at timestamptz not null default now());
  insert into customers (id, email) select n, 'c' || n || '@example.com' from generate_series(1, 500) n;
  create table orders (id bigint primary key, customer int not null, amount numeric(38,9), note text);
  insert into orders select 9007199254740990 + n, n % 500 + 1, n * 1.000000001, repeat('x', 200)
    from generate_series(1, ${ORDERS}) n;
  create table "odd ""name""" (a int);
  ${GATE};
`;

afterAll(closeBrowser);

describe("an analyst with a database", () => {
  let studio: Studio;
  showFailures(() => studio);
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await startPostgres();
    await postgres.sql(SCHEMA);
    studio = await Studio.open({ theme: "dark" });
  });
  afterAll(async () => {
    const complaints = [...(studio?.complaints ?? [])];
    await studio?.close();
    await postgres?.close();
    expect(complaints).toEqual([]);
  });

  it("finds the connector by what people call it", async () => {
    const { page } = studio;
    await page.getByRole("button", { name: "Connect your own data" }).click();
    await focused(page, page.getByPlaceholder("Search, or paste a connection address"));
    await page.keyboard.type("pg");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "PostgreSQL" }).waitFor();
  });

  it("is told which step failed, and what to do, when the password is wrong", async () => {
    const { page } = studio;
    await page.getByLabel("Host").first().fill(postgres.host);
    await page.getByLabel("Port").first().fill(String(postgres.port));
    await page.getByLabel("Database").first().fill(postgres.database);
    await page.getByLabel("User").first().fill(postgres.user);
    await page.getByLabel("Password").first().fill("not the password");
    await page.getByRole("button", { name: "Test", exact: true }).click();
    await page.getByText("Not ready").waitFor();
    await page.getByText(/did not accept the password|password/i).first().waitFor();
    await studio.expectAccessible();
    await page.getByLabel("Password").first().fill(postgres.password);
    await page.getByRole("button", { name: /^Test/ }).click();
    await page.getByText(/^Ready/).waitFor();
    await page.getByRole("button", { name: /Save and continue|Continue with limits/ }).click();
  });

  it("sets up a DuckDB file", async () => {
    const { page } = studio;
    await page.getByRole("heading", { name: "Where should it go?" }).waitFor();
    await focused(page, page.getByPlaceholder("Search, or paste a connection address"));
    await page.keyboard.type("duck");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "DuckDB" }).waitFor();
    await page.getByLabel(/^(Path|File)/).first().fill("warehouse.duckdb");
    await page.getByRole("button", { name: "Test", exact: true }).click();
    await page.getByRole("button", { name: /Save and continue|Continue with limits/ }).click();
  });

  it("ticks tables, none of which was ticked for them", async () => {
    const { page } = studio;
    const tree = page.getByRole("treegrid", { name: "Tables" });
    await tree.waitFor();
    expect(await tree.getByRole("checkbox", { checked: true }).count()).toBe(0);
    for (const table of ["public.customers", "public.gate", "public.orders", 'public."odd ""name"""']) {
      await tree.getByRole("checkbox", { name: `Sync ${table}` }).check();
    }
    await page.getByText(/4 of 4 tables/).waitFor();
    await studio.expectAccessible();
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByLabel("Name of the connection").fill("shop");
    await page.getByRole("button", { name: "Save and see the plan" }).click();
  });

  it("previews before anything is written, syncs, and finds every row exact", async () => {
    const { page } = studio;
    await page.getByRole("heading", { name: /Plan for shop|This will create/ }).waitFor();
    await goTo(page, "#/connections/shop/preview");
    await page.getByText("nothing is written").waitFor();
    await page.getByRole("button", { name: "public.orders" }).click();
    await page.getByRole("gridcell", { name: "9007199254740991", exact: true }).waitFor();
    await syncAgain(page, "shop");
    const sums = "select count(*), count(distinct id), max(id), sum(amount) from public.orders";
    const total = (ORDERS * (ORDERS + 1)) / 2;
    expect(await ask(page, sums)).toEqual([
      String(ORDERS),
      String(ORDERS),
      String(9007199254740990n + BigInt(ORDERS)),
      // n × 1.000000001, summed without rounding
      `${total + Math.floor(total / 1e9)}.${String(total % 1e9).padStart(9, "0")}`,
    ]);
  });

  it("keeps the password out of the page, the files and the log", async () => {
    const { page } = studio;
    // As far as no way of quoting changes it.
    const [telling = ""] = postgres.password.split('"');
    expect(await page.content()).not.toContain(telling);
    const stored = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
    expect(stored).not.toContain(telling);
    const entries = await readdir(studio.folder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
    expect(files.some((file) => file.endsWith("postgres.yaml"))).toBe(true);
    for (const file of files) expect((await readFile(file)).includes(telling), file).toBe(false);
  });

  it("follows a column that is new and one that is gone", async () => {
    const { page } = studio;
    await postgres.sql("alter table customers add column city text; update customers set city = 'Bern', updated_at = now() where id = 7");
    await syncAgain(page, "shop");
    expect(await ask(page, "select count(*) from public.customers where city = 'Bern'")).toEqual(["1"]);
    await postgres.sql("alter table customers drop column email");
    await openPlan(page, "shop");
    await page.getByText(/email/).first().waitFor();
  });

  it("is told when the server is gone, and goes on when it is back", async () => {
    const { page } = studio;
    await postgres.sql("insert into customers select n, now(), 'new' from generate_series(1000, 1099) n");
    await postgres.kill();
    await openPlan(page, "shop");
    await page.getByText(/nothing listens|refused|not answer/i).first().waitFor();
    await postgres.restart();
    await syncAgain(page, "shop");
    expect(await ask(page, "select count(*), count(distinct id) from public.customers")).toEqual(["600", "600"]);
  });

  it("watches a run that outlives the server", async () => {
    const { page } = studio;
    await postgres.sql("update customers set city = 'Chur', updated_at = now()");
    await postgres.hold(CLOSE_GATE);
    await openPlan(page, "shop");
    await page.getByRole("button", { name: /^Apply/ }).click();
    await page.getByRole("row", { name: /public.customers.*done/ }).waitFor();
    await page.getByText(/sec elapsed/).waitFor();
    for (const theme of ["light", "dark"] as const) {
      await page.evaluate((wanted) => (document.documentElement.dataset["theme"] = wanted), theme);
      await expectLooksAsBefore(page, `run-${theme}`);
    }
    await postgres.kill();
    await page.getByText(/Trying again in \d+ s/).waitFor();
    await postgres.restart();
    await page.getByRole("status").getByText("Every row accounted for.").waitFor();
    expect(await ask(page, "select count(*) from public.customers where city = 'Chur'")).toEqual(["600"]);
  });

  it("continues after the program was killed in the middle of a run", async () => {
    const { page } = studio;
    await postgres.sql("update customers set city = 'Olten', updated_at = now(); insert into orders values (1, 1, 1, 'late')");
    await postgres.hold(CLOSE_GATE);
    await openPlan(page, "shop");
    await page.getByRole("button", { name: /^Apply/ }).click();
    await page.getByRole("row", { name: /public.customers.*done/ }).waitFor();
    await studio.kill();
    await page.getByText("The engine is not running").waitFor();
    await postgres.release();
    await studio.startAgain();
    await page.getByText("The last sync of shop stopped before its end. Nothing is lost.").waitFor();
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByRole("button", { name: /^Apply/ }).click();
    await page.getByRole("status").getByText("Every row accounted for.").waitFor();
    expect(await ask(page, "select count(*) from public.customers where city = 'Olten'")).toEqual(["600"]);
    expect(await ask(page, "select count(*), count(distinct id) from public.orders")).toEqual([
      String(ORDERS + 1),
      String(ORDERS + 1),
    ]);
  });
});
