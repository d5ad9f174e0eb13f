import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Postgres, startPostgres } from "./support/program";
import { ask, focused, goTo, syncAgain } from "./support/steps";
import { closeBrowser, showFailures, Studio } from "./support/studio";

const ORDERS = 200_000;
const SCHEMA = `
  create table customers (id int primary key, email text, updated_at timestamptz not null default now());
  insert into customers (id, email) select n, 'c' || n || '@example.com' from generate_series(1, 500) n;
  create table orders (id bigint primary key, customer int not null, amount numeric(38,9), note text);
  insert into orders select 9007199254740990 + n, n % 500 + 1, n * 1.000000001, repeat('x', 200)
    from generate_series(1, ${ORDERS}) n;
  create table "odd ""name""" (a int);
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
    for (const table of ["public.customers", "public.orders", 'public."odd ""name"""']) {
      await tree.getByRole("checkbox", { name: `Sync ${table}` }).check();
    }
    await page.getByText(/3 of 3 tables/).waitFor();
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
    const sums = "select count(*), count(distinct id), max(id), sum(amount) from orders";
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
    expect(await page.content()).not.toContain(postgres.password);
    const stored = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
    expect(stored).not.toContain("test's");
    const { execFileSync } = await import("node:child_process");
    const found = execFileSync("grep", ["-rlF", "--", postgres.password, studio.folder], { encoding: "utf8" });
    expect(found).toBe("");
  });

  it("decides about a column that is gone and one that is new", async () => {
    const { page } = studio;
    await postgres.sql("alter table customers add column city text; update customers set city = 'Bern', updated_at = now() where id = 7");
    await syncAgain(page, "shop");
    expect(await ask(page, "select count(*) from customers where city = 'Bern'")).toEqual(["1"]);
    await postgres.sql("alter table customers drop column email");
    await goTo(page, "#/connections/shop/plan");
    await page.getByText(/email/).first().waitFor();
  });

  it("sees what happens when the server dies, and goes on when it is back", async () => {
    const { page } = studio;
    await postgres.sql("insert into customers select n, now(), 'new' from generate_series(1000, 1099) n");
    await postgres.kill();
    await goTo(page, "#/connections/shop/plan");
    await page.getByText(/refuse|not answer|nothing listens|reach/i).first().waitFor();
    await postgres.restart();
    await syncAgain(page, "shop");
    expect(await ask(page, "select count(*), count(distinct id) from customers")).toEqual(["600", "600"]);
  });
});
