import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Postgres, startPostgres } from "./support/program";
import { goTo, tell } from "./support/steps";
import { closeBrowser, showFailures, Studio } from "./support/studio";

const OTHERS = 300;
const SCHEMA = `
  create table people (id int primary key, email text, email_count int, email_verified boolean, academic_year int,
    weekday_name text, first_name text, updated_at timestamptz not null default now());
  create table nokey (weekday text);
  do $$ begin for n in 1..${OTHERS} loop execute format('create table other_%s (id int primary key, a int)', n); end loop; end $$;
`;
const pictures = process.env["SYNCLINE_SCREENSHOTS"];

afterAll(closeBrowser);

describe("somebody who chooses tables", () => {
  let studio: Studio;
  showFailures(() => studio);
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await startPostgres();
    await postgres.sql(SCHEMA);
    studio = await Studio.open();
    const { page } = studio;
    await page.getByRole("heading", { name: /./ }).first().waitFor();
    const { host, port, database, user, password } = postgres;
    const settings = { connector: "postgres", config: { host, port, database, user }, secrets: { password } };
    await tell(page, "systems.save", { ...settings, side: "source", name: "shop" });
    await tell(page, "systems.save", { side: "destination", name: "file", connector: "duckdb", config: { path: "shop.duckdb" }, secrets: {} });
    const content = { step: "tables", source: "shop", destination: "file", systems: {}, selection: {}, name: "" };
    await tell(page, "drafts.save", { name: "from-shop", content });
    await goTo(page, "#/new?draft=from-shop");
    await page.getByRole("treegrid", { name: "Tables" }).waitFor();
  });
  afterAll(async () => {
    const complaints = [...(studio?.complaints ?? [])];
    await studio?.close();
    await postgres?.close();
    expect(complaints).toEqual([]);
  });

  const summary = () => studio.page.getByRole("status").filter({ hasText: `of ${OTHERS + 2} tables` });
  const search = (words: string) => studio.page.getByRole("searchbox", { name: /search/i }).fill(words);

  it("finds nothing ticked", async () => {
    const tree = studio.page.getByRole("treegrid");
    expect(await tree.getByRole("checkbox", { checked: true }).count()).toBe(0);
    expect(await tree.getAttribute("aria-rowcount")).toBe(String(OTHERS + 2));
    await summary().filter({ hasText: /^0 of/ }).waitFor();
  });

  it("sees what was ticked, and what is open, wherever the list is scrolled to", async () => {
    const { page } = studio;
    await search("people");
    await page.getByRole("checkbox", { name: "Sync public.people" }).check();
    await search("");
    const said = summary().filter({ hasText: /^1 of 302 tables · 8 columns.* · 2 decisions open/ });
    for (const part of [0, 0.5, 1]) {
      await page.getByRole("treegrid").evaluate((tree, at) => tree.scrollTo({ top: tree.scrollHeight * at }), part);
      await said.waitFor();
      const box = await said.boundingBox();
      expect(box && box.y + box.height <= 800).toBe(true);
    }
  });

  it("suggests for personal data what the type allows, with its evidence, and does nothing by itself", async () => {
    const { page } = studio;
    await search("personal");
    const tree = page.getByRole("treegrid");
    await tree.getByText("email", { exact: true }).first().waitFor();
    const names = await tree.locator('[aria-level="2"] bdi').allTextContents();
    expect(names.filter((name) => !/^[a-z]+$/.test(name) || name === "email")).toEqual(["email", "first_name"]);
    const detail = page.getByRole("complementary");
    await detail.getByText("public.people").first().waitFor();
    await detail.getByRole("button", { name: /email/i }).first().waitFor();
    if (pictures) {
      await mkdir(pictures, { recursive: true });
      await page.screenshot({ path: join(pictures, "tables-personal-light.png") });
    }
    await studio.expectAccessible();
  });

  it("reads what lands in each mode, and what of a table is declared and what is guessed", async () => {
    const { page } = studio;
    await search("people");
    await page.getByText("public.people", { exact: true }).first().click();
    const detail = page.getByRole("complementary");
    await detail.getByText("(declared by the source)").waitFor();
    await detail.getByText(/^\(guessed: /).waitFor();
    for (const lands of ["The destination has the latest version of each row.", "Every row that is read is added", "One row per version", "Each sync reads all rows and swaps the table"]) {
      await detail.getByText(lands).first().waitFor();
    }
  });

  it("finds a column by its name, in its table, with the match marked", async () => {
    const { page } = studio;
    await search("academic");
    const row = page.getByRole("row", { name: /academic_year/ });
    await row.waitFor();
    expect(await row.locator("mark").textContent()).toBe("academic");
    await page.getByText(/^1 table, 1 column/).waitFor();
  });
});
