import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Postgres, startPostgres } from "./support/program";
import { ask, focused, goTo, openPlan, syncAgain, tell } from "./support/steps";
import { closeBrowser, showFailures, Studio } from "./support/studio";

const WIDE = Array.from({ length: 198 }, (_, at) => `column_${at + 1}`);
const LONG = "long text ".repeat(500);
const SCHEMA = `
  create table awkward (
    id bigint primary key, nothing text, blank text, spaced text, long text, doc jsonb, ratio float8, day date, emoji text,
    rtl text, price numeric(38,9), legacy text, amount numeric(12,2));
  insert into awkward select n, null, '', '  ' || n || ' ', '${LONG}', '{"a": {"b": [1, null, "ü"]}}', '-0', '1850-03-01',
    '👩‍🚀 ' || n, 'שלום ' || n, n / 3.0, null, n + 0.5 from generate_series(1, 40) n;
  insert into awkward select 9223372036854775807, null, '', '', 'x', '[]', 0, '0001-01-01', '😀', 'مرحبا', 0, null, 7;
  insert into awkward (id, amount) values (-1, 'NaN');
  create table doubled (code int not null, name text);
  insert into doubled select n / 2, 'name ' || n from generate_series(0, 9) n;
  create table wide as select n as id, ${WIDE.map((name, at) => `n * ${at} % 97 as ${name}`).join(", ")},
    jsonb_build_object('n', n) as payload, decode('00ff', 'hex') as raw from generate_series(1::bigint, 2000) n;
  alter table wide add primary key (id);
  create table people (id bigint primary key, email text, country text, amount numeric(12,2));
  insert into people select n, nullif('person' || n || '@example.com', 'person2@example.com'),
    case when n <= 12 then 'Norway' else 'Chile' end, n from generate_series(1, 60) n;
  create table many as select n as id from generate_series(1::bigint, 20000) n;
  alter table many add primary key (id);
  analyze many;
`;
const TABLES = [
  { name: "public.awkward" },
  { name: "public.doubled", key: ["code"] },
  { name: "public.wide" },
  { name: "public.people" },
  { name: "public.many" },
];

/** Where pictures of what was looked at go; none are made without it. */
const pictures = process.env["SYNCLINE_SCREENSHOTS"];

afterAll(closeBrowser);

describe("a careful person who previews", () => {
  let studio: Studio;
  showFailures(() => studio);
  let postgres: Postgres;
  const open = async (table: string) => {
    await goTo(studio.page, `#/connections/shop/preview?table=${table}`);
    await studio.page.getByRole("grid", { name: `Rows of ${table}` }).waitFor();
  };
  const look = async (name: string) => {
    await studio.expectAccessible();
    if (!pictures) return;
    await mkdir(pictures, { recursive: true });
    for (const theme of ["light", "dark"]) {
      await studio.page.evaluate((wanted) => (document.documentElement.dataset["theme"] = wanted), theme);
      await studio.page.screenshot({ path: join(pictures, `${name}-${theme}.png`) });
    }
  };
  const part = (name: string) => studio.page.getByRole("complementary").getByRole("button", { name: new RegExp(`^${name}`) }).click();

  const choose = async (sample: string) => {
    await studio.page.getByRole("combobox", { name: "Sample size" }).click();
    await studio.page.getByRole("option", { name: sample, exact: true }).click();
  };
  /** A cell by its place on the screen, counted from one. */
  const cellAt = (row: number, column: number) => studio.page.getByRole("grid").locator(`[aria-rowindex="${row + 1}"] [aria-colindex="${column}"]`);
  const rowsShown = async () => Number(await studio.page.getByRole("grid").getAttribute("aria-rowcount")) - 1;

  beforeAll(async () => {
    postgres = await startPostgres();
    await postgres.sql(SCHEMA);
    studio = await Studio.open();
    const { page } = studio;
    const { host, port, database, user, password } = postgres;
    const settings = { connector: "postgres", config: { host, port, database, user }, secrets: { password } };
    await page.getByRole("heading", { name: /./ }).first().waitFor();
    await tell(page, "systems.save", { ...settings, side: "source", name: "shop" });
    await tell(page, "systems.save", { side: "destination", name: "file", connector: "duckdb", config: { path: "shop.duckdb" }, secrets: {} });
    await tell(page, "connections.save", { connection: "shop", config: { source: "shop", destination: "file", tables: TABLES } });
  });
  afterAll(async () => {
    const complaints = [...(studio?.complaints ?? [])];
    await studio?.close();
    await postgres?.close();
    expect(complaints).toEqual([]);
  });

  it("reads above the rows which ones they are, of how many, and when they were read", async () => {
    await open("public.awkward");
    const line = studio.page.getByText(/^First 42 rows/);
    await line.waitFor();
    expect(await line.textContent()).toMatch(/^First 42 rows of 42, in the order of the source · read \d\d:\d\d:\d\d · nothing is written$/);
    expect(await line.evaluate((element) => element.scrollWidth <= element.clientWidth)).toBe(true);
  });

  it("tells apart what looks alike, and sees every value exactly", async () => {
    const { page } = studio;
    const grid = page.getByRole("grid", { name: "Rows of public.awkward" });
    // What is not on screen is not in the page: the keyboard brings one cell after the other into view.
    const row = async (key: string) => {
      await grid.focus();
      await page.keyboard.press(key);
      await page.keyboard.press("Home");
      const texts: (string | null)[] = [];
      for (let column = 1; column <= 13; column += 1) {
        const cell = grid.locator(`[aria-selected="true"][aria-colindex="${column}"]`);
        texts.push(await cell.textContent());
        await page.keyboard.press("ArrowRight");
      }
      return texts;
    };
    const first = await row("ControlOrMeta+Home");
    expect(first.slice(0, 4)).toEqual(["1", "null", "∅", "··1·"]);
    expect(first[4]).toMatch(/^long text .{100,}…$/);
    expect(first[5]).toBe('{"a": {"b": [1, null, "ü"]}}');
    expect(first.slice(6, 10)).toEqual(["-0", "1850-03-01", "👩‍🚀 1", "שלום 1"]);
    expect(first.slice(10)).toEqual(["0.333333333", "null", "1.50"]);
    const last = await row("ControlOrMeta+End");
    expect(last[0]).toBe("9223372036854775807");
    expect(last.slice(2, 4)).toEqual(["∅", "∅"]);
    expect(last.slice(7)).toEqual(["0001-01-01", "😀", "مرحبا", "0.000000000", "null", "7.00"]);
  });

  it("sees numbers at the right edge, in figures of one width, and both types where they differ", async () => {
    const { page } = studio;
    const grid = page.getByRole("grid", { name: "Rows of public.awkward" });
    await grid.focus();
    await page.keyboard.press("ControlOrMeta+Home");
    const id = grid.locator('[aria-rowindex="2"] [aria-colindex="1"]');
    const style = await id.evaluate((cell) => {
      const { textAlign, fontVariantNumeric } = getComputedStyle(cell);
      return { textAlign, fontVariantNumeric };
    });
    expect(style.textAlign).toBe("right");
    expect(style.fontVariantNumeric).toContain("tabular-nums");
    await grid.evaluate((element) => element.scrollTo({ left: element.scrollWidth }));
    await grid.getByRole("columnheader", { name: /amount.*numeric\(12,2\) → decimal\(12,2\)/ }).waitFor();
    await look("preview-values");
    await grid.evaluate((element) => element.scrollTo({ left: 0 }));
  });

  it("finds what is wrong before it reads figures, the worst first", async () => {
    const { page } = studio;
    await part("Findings");
    const findings = page.getByRole("complementary").getByRole("list").first().getByRole("listitem");
    await findings.first().waitFor();
    const texts = await findings.allTextContents();
    expect(texts[0]).toMatch(/1 of 42 rows will be rejected/);
    expect(texts.findIndex((text) => /legacy is always null/.test(text))).toBeGreaterThan(0);
    await page.getByText("Not counted: doc (nested values)").waitFor();
    await look("preview-findings");
    await open("public.doubled");
    await page.getByText("code is the key but not unique in the sample: 5 rows have a key that another row has, too").waitFor();
  });

  it("watches 200 columns being counted, scrolls meanwhile, stops it and goes on", async () => {
    const { page } = studio;
    // Each answer is held back until it is let through: what is seen in between does not depend on the machine.
    const held: (() => void)[] = [];
    let free = false;
    await page.route("**/rpc/preview.profile", async (route) => {
      if (!free) await new Promise<void>((go) => held.push(go));
      await route.continue().catch(() => undefined);
    });
    const next = async () => {
      await expect.poll(() => held.length).toBeGreaterThan(0);
      held.shift()?.();
    };
    await open("public.wide");
    const grid = page.getByRole("grid", { name: "Rows of public.wide" });
    await page.getByText("Counting values: 0 of 201 columns").waitFor();
    expect(await grid.locator('[data-counted="true"]').count()).toBe(0);
    await next();
    await page.getByText(/Counting values: [1-9]\d* of 201 columns/).waitFor();
    await grid.locator('[data-counted="true"]').first().waitFor();
    await grid.evaluate((element) => element.scrollTo({ left: element.scrollWidth }));
    await grid.getByRole("columnheader", { name: /column_197/ }).waitFor();
    await grid.evaluate((element) => element.scrollTo({ top: 28 * 900 }));
    await grid.locator('[aria-rowindex="902"]').waitFor();
    // The one under way was asked for before; the one after it is for what is on screen now.
    await next();
    await expect.poll(() => held.length).toBe(1);
    const asked = page.waitForResponse("**/rpc/preview.profile");
    await next();
    const answer = (await (await asked).json()) as { column: number }[];
    expect(answer[0]?.column).toBeGreaterThan(190);
    await page.getByRole("button", { name: "Stop counting" }).click();
    await page.getByText(/^Stopped: \d+ of 201 columns counted/).waitFor();
    await look("preview-wide");
    free = true;
    for (const go of held.splice(0)) go();
    await page.getByRole("button", { name: "Go on counting" }).click();
    await page.getByText("199 of 201 columns counted").waitFor();
    await page.getByText("Not counted: payload (nested values), raw (bytes)").waitFor();
    await page.unroute("**/rpc/preview.profile");
    await grid.evaluate((element) => element.scrollTo({ left: 0, top: 0 }));
    await grid.locator('[aria-rowindex="2"] [aria-colindex="3"]').click();
    await page.getByRole("complementary").getByText("Different values").waitFor();
    await page.getByRole("complementary").getByRole("list", { name: "How values are spread" }).waitFor();
    await look("preview-column");
  });

  it("reads what a sync will cost as ranges with their basis", async () => {
    const { page } = studio;
    await part("Estimate");
    const inspector = page.getByRole("complementary");
    await inspector.getByText("First sync").waitFor();
    await inspector.getByText(/^from reading 1,000 rows at [\d,]+ rows\/s/).waitFor();
    expect(await inspector.textContent()).not.toMatch(/[$€£]|price/i);
    await look("preview-estimate");
    await syncAgain(page, "shop", "1 row was rejected");
    expect(await ask(page, "select count(*) from public.awkward")).toEqual(["41"]);
  });

  it("sees how the definition differs from what is there", async () => {
    const { page } = studio;
    await postgres.sql("alter table doubled add column city text; alter table doubled alter column code type bigint");
    await open("public.doubled");
    await part("Definition");
    const inspector = page.getByRole("complementary");
    await inspector.getByText("+ 1 new · ~ 1 changed").waitFor();
    await inspector.getByText('"city" VARCHAR', { exact: true }).waitFor();
    await inspector.getByText(/"code" INTEGER.*→.*"code" BIGINT/).waitFor();
    const unchanged = inspector.getByRole("button", { name: /unchanged columns/ });
    expect(await unchanged.getAttribute("aria-expanded")).toBe("false");
    await look("preview-definition");
    await unchanged.click();
    await inspector.getByText('"name" VARCHAR', { exact: true }).waitFor();
    await inspector.getByRole("button", { name: "Copy comparison" }).waitFor();
    await openPlan(page, "shop");
    await page.getByText("1 changed").waitFor();
  });

  it("looks at rows from all over a table", async () => {
    const { page } = studio;
    await open("public.many");
    const answered = page.waitForResponse("**/rpc/preview");
    await choose("Random 10,000");
    const { rows } = (await (await answered).json()) as { rows: [string][] };
    await page.getByText(/^Random [\d,]+ rows of about 20,000 · read/).waitFor();
    const ids = rows.map(([id]) => Number(id));
    expect(ids.length).toBeGreaterThan(1_000);
    expect(new Set(ids).size).toBe(ids.length);
    // The first 10,000 would hold none of these.
    expect(ids.filter((id) => id > 10_000).length).toBeGreaterThan(ids.length / 4);
    expect(await rowsShown()).toBe(ids.length);
    await choose("First 1,000");
    await page.getByText(/^First 1,000 rows of about 20,000/).waitFor();
  });

  it("looks at the rows of a condition, and reads what the database says about a wrong one", async () => {
    const { page } = studio;
    await open("public.people");
    await choose("Where…");
    const field = page.getByRole("textbox", { name: "Condition" });
    await focused(page, field);
    await page.keyboard.type("country = 'Norway'");
    await page.keyboard.press("Enter");
    await page.getByText(/^12 rows where country = 'Norway' · read/).waitFor();
    expect(await rowsShown()).toBe(12);
    await field.fill("land = 'Norway'");
    await field.press("Enter");
    await page.getByRole("alert").getByText(/column "land" does not exist/).waitFor();
    expect(await field.getAttribute("aria-invalid")).toBe("true");
    await look("preview-condition-wrong");
    await field.fill("id < 0");
    await field.press("Enter");
    await page.getByText("No row matches this condition.").waitFor();
    await page.getByText(/^0 rows where id < 0/).waitFor();
    await look("preview-condition-none");
    await field.press("Escape");
    await page.getByText(/^First 60 rows of 60/).waitFor();
    expect(await field.count()).toBe(0);
  });

  it("sees no values that may be personal until it wants to", async () => {
    const { page } = studio;
    await open("public.people");
    await page.getByText("1 column may hold personal data").waitFor();
    await page.getByRole("img", { name: /^May be personal data, masked \(e-mail\): / }).waitFor();
    expect(await cellAt(1, 2).textContent()).toBe("••••");
    expect(await cellAt(2, 2).textContent()).toBe("null");
    await cellAt(1, 2).dblclick();
    const dialog = page.getByRole("dialog", { name: "Value of email" });
    await dialog.getByText("••••").waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();
    // The figures of the column are there, and do not tell either.
    const inspector = page.getByRole("complementary");
    await inspector.getByText("Smallest").waitFor();
    expect(await inspector.getByText("••••").count()).toBe(2);
    for (const form of ["As in source", "Side by side", "As it will land"]) {
      await page.getByRole("button", { name: form }).click();
      await page.getByRole("gridcell", { name: "••••" }).first().waitFor();
      expect(await page.getByText("@example.com").count(), form).toBe(0);
    }
    await look("preview-masked");
    await page.getByRole("button", { name: "Show values" }).click();
    await page.getByRole("gridcell", { name: "person1@example.com", exact: true }).waitFor();
    await inspector.getByText("person10@example.com").waitFor();
    await look("preview-shown");
    // For this connection, as long as the window is open.
    await open("public.many");
    await open("public.people");
    await page.getByRole("gridcell", { name: "person1@example.com", exact: true }).waitFor();
    await page.getByRole("button", { name: "Hide values" }).click();
    await page.getByRole("gridcell", { name: "••••" }).first().waitFor();
    expect(await page.getByText("@example.com").count()).toBe(0);
  });

  it("sees only the rows of a bar, with the mouse and with keys", async () => {
    const { page } = studio;
    const inspector = page.getByRole("complementary");
    await cellAt(1, 3).click();
    await inspector.getByRole("button", { name: /^Norway/ }).click();
    await page.getByText("country = Norway", { exact: true }).waitFor();
    await page.getByText("12 of 60 rows", { exact: true }).waitFor();
    expect(await rowsShown()).toBe(12);
    await page.getByRole("button", { name: "Side by side" }).click();
    expect(await rowsShown()).toBe(12);
    await look("preview-filtered");
    await page.getByRole("button", { name: "Show all rows" }).click();
    expect(await rowsShown()).toBe(60);
    await page.getByRole("button", { name: "As it will land" }).click();
    await cellAt(1, 4).click();
    const bars = inspector.getByRole("list", { name: "How values are spread" }).getByRole("button");
    await bars.first().focus();
    await page.keyboard.press("ArrowRight");
    await focused(page, bars.nth(1));
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("Enter");
    // From 1 to 60 in 24 ranges: 1, 2 and 3 lie in the first one.
    await page.getByText(/^amount from 1 to 3\.4583$/).waitFor();
    await page.getByText("3 of 60 rows", { exact: true }).waitFor();
    expect(await rowsShown()).toBe(3);
    await page.keyboard.press("Escape");
    expect(await rowsShown()).toBe(60);
  });
});
