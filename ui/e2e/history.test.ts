import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CLOSE_GATE, GATE, type Postgres, Program, startPostgres } from "./support/program";
import { goTo, openPlan, syncAgain } from "./support/steps";
import { closeBrowser, showFailures, Studio } from "./support/studio";

/** Where pictures go (`cargo xtask screenshots`); none are made without it. */
const pictures = process.env["SYNCLINE_SCREENSHOTS"];

/** Ten tables like each other, one that fails in its middle, and one that can be held. */
const SCHEMA = `
  ${Array.from({ length: 10 }, (_, n) => `create table t${n} (id int primary key, note text); insert into t${n} select i, 'x' from generate_series(1, 200) i;`).join("\n")}
  create view broken as select i as id, 10 / (i - 150) as share from generate_series(1, 200) i;
  create table customers (id int primary key, email text, updated_at timestamptz not null);
  insert into customers select n, 'c' || n || '@example.com', timestamptz '2026-01-01' + n * interval '1 minute' from generate_series(1, 500) n;
  create schema mirror;
  ${GATE};
`;

afterAll(closeBrowser);

/** What a form would send: these journeys are about what comes after it. */
async function ask(page: Page, name: string, request: object): Promise<unknown> {
  return page.evaluate(
    async ([path, body]) => {
      const response = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body });
      if (!response.ok) throw new Error(await response.text());
      return response.json() as Promise<unknown>;
    },
    [`/rpc/${name}`, JSON.stringify(request)] as const,
  );
}

async function saveSystem(page: Page, side: string, name: string, connector: string, config: object, password?: string): Promise<void> {
  await ask(page, "systems.save", { side, name, connector, config, secrets: password === undefined ? {} : { password } });
}

const tables = (names: readonly string[]) => names.map((name) => ({ name: `public.${name}` }));

describe("somebody who wants to know what happened", () => {
  let studio: Studio;
  let postgres: Postgres;
  showFailures(() => studio);
  beforeAll(async () => {
    postgres = await startPostgres();
    await postgres.sql(SCHEMA);
    studio = await Studio.open();
    const { page } = studio;
    await page.getByRole("button", { name: "Connect your own data" }).waitFor();
    const { host, port, database, user, password } = postgres;
    await saveSystem(page, "source", "shop", "postgres", { host, port, database, user }, password);
    await saveSystem(page, "destination", "same", "postgres", { host, port, database, user }, password);
    await saveSystem(page, "destination", "file", "duckdb", { path: "warehouse.duckdb" });
    const twelve = tables([...Array.from({ length: 10 }, (_, n) => `t${n}`), "broken", "gate"]);
    await ask(page, "connections.save", { connection: "twelve", config: { source: "shop", destination: "file", tables: twelve } });
    const customers = [{ name: "public.customers", cursor: "updated_at" }];
    await ask(page, "connections.save", { connection: "mirror", config: { source: "shop", destination: "same", schema: "mirror", tables: customers } });
    await ask(page, "connections.save", { connection: "other", config: { source: "shop", destination: "file", schema: "other", tables: customers } });
  });
  afterAll(async () => {
    const complaints = [...(studio?.complaints ?? [])];
    await studio?.close();
    await postgres?.close();
    expect(complaints).toEqual([]);
  });

  /** A picture of what is on the screen, in both themes. */
  async function look(name: string): Promise<void> {
    const { page } = studio;
    for (const theme of ["light", "dark"] as const) {
      await page.evaluate((wanted) => (document.documentElement.dataset["theme"] = wanted), theme);
      await studio.expectAccessible();
      if (!pictures) continue;
      await mkdir(pictures, { recursive: true });
      await page.screenshot({ path: join(pictures, `${name}-${theme}.png`) });
    }
    await page.evaluate(() => (document.documentElement.dataset["theme"] = "light"));
  }

  it("sees in the middle of a run which table failed, what it waits for, and no figure that nobody has", async () => {
    const { page } = studio;
    await postgres.hold(CLOSE_GATE);
    await openPlan(page, "twelve");
    await page.getByRole("button", { name: /^Apply/ }).click();
    await page.getByRole("row", { name: /public\.broken.*failed/ }).waitFor();
    for (let n = 0; n < 10; n += 1) await page.getByRole("row", { name: new RegExp(`public\\.t${n} .*done`) }).waitFor();
    await page.getByText("1 of 12 needs you").waitFor();
    await page.getByText("slowest: source").waitFor();
    const gate = page.getByRole("row", { name: /public\.gate/ });
    // Neither a bar nor a count before there is one.
    expect(await gate.getByRole("progressbar").count()).toBe(0);
    expect(await gate.getByRole("cell").allTextContents()).not.toContain("0 rows");
    expect((await gate.getByRole("cell").nth(2).textContent())?.trim()).toBe("");
    await look("run-twelve");
  });

  it("reads figures that come at most four times a second and stay where they are", async () => {
    const { page } = studio;
    const places = () =>
      page.locator("th, h2, [role=row] td:first-child").evaluateAll((all) => all.map((each) => Math.round(each.getBoundingClientRect().left)));
    const before = await places();
    const told = await page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          const socket = new WebSocket(new URL("/events", location.href.replace(/^http/, "ws")));
          let count = 0;
          socket.addEventListener("message", ({ data }: MessageEvent<string>) => {
            if (!data.includes('"progress"')) return;
            // The first one tells how things stand.
            if (count === 0) setTimeout(() => (socket.close(), resolve(count - 1)), 2_000);
            count += 1;
          });
        }),
    );
    expect(told).toBeGreaterThan(0);
    expect(told).toBeLessThanOrEqual(8);
    expect(await places()).toEqual(before);
  });

  it("is told when nothing has come for half a minute, and what can be done", async () => {
    const { page } = studio;
    const silence = page.getByText(/^No row from the source for \d+ sec/);
    await silence.waitFor({ timeout: 45_000 });
    await page.getByRole("button", { name: "Open log" }).waitFor();
    await look("run-silent");
  });

  it("is told what stays and what is dropped before it stops", async () => {
    const { page } = studio;
    await page.getByRole("button", { name: /^Stop…/ }).first().click();
    const dialog = page.getByRole("dialog", { name: "Stop this sync?" });
    await dialog.getByText(/^2,\d{3} rows stay in the destination\.$/).waitFor();
    await dialog.getByText("The next sync goes on from the last checkpoint. Nothing is cleared.").waitFor();
    await dialog.getByRole("button", { name: "Keep running" }).click();
  });

  it("sees the other eleven finish", async () => {
    const { page } = studio;
    await postgres.release();
    await page.getByRole("status").getByText("1 table failed; the others are complete").waitFor();
    expect(await page.getByRole("row", { name: /public\.\S+ done/ }).count()).toBe(11);
    await page.getByText(/The database did not accept a value/).first().waitFor();
    await look("run-one-failed");
  });

  it("pauses, quits, starts again and goes on with the same counts", async () => {
    const { page } = studio;
    await postgres.hold(CLOSE_GATE);
    await openPlan(page, "twelve");
    await page.getByRole("button", { name: /^Apply/ }).click();
    await page.getByRole("row", { name: /public\.t9 .*done/ }).waitFor();
    await page.getByRole("button", { name: /^Pause/ }).first().click();
    await page.getByRole("heading", { name: /Pausing/ }).waitFor();
    await studio.quit(() => postgres.release());
    await studio.startAgain();
    await goTo(page, "#/connections/twelve/overview");
    await page.getByRole("row", { name: /public\.t0 done/ }).waitFor();
    await syncAgain(page, "twelve", "1 table failed; the others are complete");
    for (let n = 0; n < 10; n += 1) expect(await count(page, `public.t${n}`)).toBe("200");
  });

  async function count(page: Page, table: string): Promise<string | undefined> {
    const answer = (await ask(page, "sql.run", { destination: "file", sql: `select count(*) from ${table}`, limit: 1 })) as { rows: string[][] };
    return answer.rows[0]?.[0];
  }

  it("is told when another program holds the file, and tries again at once when it is free", async () => {
    const { page } = studio;
    await postgres.hold(CLOSE_GATE);
    const holder = new Program("syncline", ["run", "twelve", "--yes", "--json"], {
      // Where `serve` made the project.
      cwd: join(studio.folder, "syncline-studio"),
      env: { ...process.env, SYNCLINE_MASTER_KEY: "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=" },
    });
    for (;;) if ((await holder.line()).includes('"committed"')) break;
    await ask(page, "run.start", { connection: "other", tables: [], fingerprint: null });
    await goTo(page, "#/connections/other/run");
    await page.getByText(/Trying again in \d+ s/).waitFor();
    await page.getByText(/warehouse\.duckdb.*(open|hold|held|lock|use)/i).first().waitFor();
    await look("run-locked");
    await postgres.release();
    await holder.close();
    // Either it has tried by itself just now, or it does when it is told to.
    const done = page.getByRole("status").getByText("Every row accounted for.");
    const now = page.getByRole("button", { name: "Try again now" });
    await done.or(now).first().waitFor();
    if (await now.isVisible()) await now.click({ timeout: 2_000 }).catch(() => undefined);
    await done.waitFor();
  });

  it("finds the one row that is missing, apart from what is not synced yet, and reads it again", async () => {
    const { page } = studio;
    await syncAgain(page, "mirror");
    await postgres.sql(`
      delete from mirror.customers where id = 7;
      insert into customers values (501, 'late@example.com', '2026-06-01');
      delete from customers where id = 9;
    `);
    await goTo(page, "#/connections/mirror/compare");
    await page.getByRole("button", { name: "Compare 1 table" }).click();
    await page.getByText("1 row missing").waitFor();
    await page.getByText("id = 7", { exact: true }).waitFor();
    await page.getByText("not yet synced: 1").waitFor();
    await page.getByText("deleted in the source, deletes not tracked: 1").waitFor();
    await look("compare");
    await page.getByRole("button", { name: "Re-read" }).click();
    await page.getByText(/Reads all rows of public\.customers again/).waitFor();
    await page.getByRole("button", { name: /^Apply/ }).click();
    await page.getByRole("status").getByText("Every row accounted for.").waitFor();
    await goTo(page, "#/connections/mirror/compare");
    await page.getByRole("button", { name: "Again" }).click();
    await page.getByText("matches: 500 rows").waitFor();
  });

  it("reads in one list what ran, what was changed and what was cut off, and opens a change", async () => {
    const { page } = studio;
    const customers = [{ name: "public.customers", cursor: "updated_at", column_rules: { email: { hash: true } } }];
    await ask(page, "connections.save", { connection: "mirror", config: { source: "shop", destination: "same", schema: "mirror", tables: customers } });
    await syncAgain(page, "mirror");
    await goTo(page, "#/connections/mirror/history");
    const list = page.getByRole("group", { name: "Runs, newest first" });
    for (const said of ["connections/mirror.yaml was changed.", /was applied\./, /was compared with its source: 1 missing/]) {
      await list.getByText(said).first().waitFor();
    }
    expect(await list.getByRole("button", { name: /done/ }).count()).toBeGreaterThan(1);
    await look("history-mixed");
    await list.getByRole("button", { name: "Show the change" }).first().click();
    const dialog = page.getByRole("dialog", { name: "What changed in the configuration" });
    await dialog.getByText(/\+.*hash: true/).waitFor();
    await look("history-diff");
    await page.keyboard.press("Escape");
  });

  it("reads how fresh the data was, what is allowed and why, in one place", async () => {
    const { page } = studio;
    await ask(page, "settings.save", { fresh_within_minutes: 60, count_while_off: false });
    await goTo(page, "#/connections/twelve/history");
    const band = page.getByRole("region", { name: "Reliability of the last 30 days" });
    await band.getByText("fresh in the last 30 days").or(band.getByText("Counted from the first sync")).first().waitFor();
    await goTo(page, "#/connections/mirror/history");
    await band.getByText("fresh in the last 30 days").waitFor();
    await band.getByText(/99\.9% of the time: 30 full days allow 43 min 12 sec late/).waitFor();
    await band.getByRole("img", { name: /^public\.customers: \d+ done/ }).waitFor();
    // It shows what is kept: checked once that is saved.
    await band.getByRole("checkbox", { name: /^Count time in which Syncline was closed/ }).click();
    await band.getByRole("checkbox", { name: /^Count time in which Syncline was closed/, checked: true }).waitFor();
    await look("history-fresh");
  });

  it("finds the first error of a log at once, and every other word", async () => {
    const { page } = studio;
    await goTo(page, "#/connections/twelve/log");
    const log = page.getByRole("log", { name: "Lines of the log" });
    await log.waitFor();
    await page.getByText(/The database did not accept a value/).first().waitFor();
    await page.getByRole("searchbox", { name: "Search this log" }).fill("DURABLE");
    await page.getByText(/^1 of \d+$/).waitFor();
    await page.keyboard.press("Enter");
    await page.getByText(/^2 of \d+$/).waitFor();
    await page.getByRole("button", { name: "First error" }).click();
    await log.getByText(/The database did not accept a value/).first().waitFor();
    await look("log-search");
  });

  it("is killed in the middle of a run, and says what is safe", async () => {
    const { page } = studio;
    await postgres.hold(CLOSE_GATE);
    await openPlan(page, "twelve");
    await page.getByRole("button", { name: /^Apply/ }).click();
    await page.getByRole("row", { name: /public\.t9 .*done/ }).waitFor();
    await studio.kill();
    await page.getByText("The engine is not running").waitFor();
    await postgres.release();
    await studio.startAgain();
    await page.getByText("The last sync of twelve stopped before its end. Nothing is lost.").waitFor();
    await look("interrupted");
    await goTo(page, "#/connections/twelve/history");
    await page.getByRole("group", { name: "Runs, newest first" }).getByText(/stopped before its end|interrupted|cut off/i).first().waitFor();
    await goTo(page, "#/");
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByRole("button", { name: /^Apply/ }).click();
    await page.getByRole("status").getByText("1 table failed; the others are complete").waitFor();
  });
});
