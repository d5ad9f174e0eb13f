import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CLOSE_GATE, GATE, type Postgres, scratch, startPostgres } from "./support/program";
import { DesktopWindow, Driver, until } from "./support/window";

const ORDERS = 300_000;
const SCHEMA = `
  create table orders (id int primary key, note text);
  insert into orders select n, repeat('x', 100) from generate_series(1, ${ORDERS}) n;
  ${GATE};
  create table later (id int primary key);
  insert into later select generate_series(1, 1000);
`;
/** In this order, one after the other: when reading `gate` waits, `orders` is done and `later` has not begun. */
const TABLES = [{ name: "public.orders" }, { name: "public.gate" }, { name: "public.later" }];

interface RunRow {
  outcome: string | null;
  interrupted: boolean;
}

describe.runIf(process.platform === "linux")("somebody with the desktop program", () => {
  let folder: Awaited<ReturnType<typeof scratch>>;
  let driver: Driver;
  let window: DesktopWindow;
  let postgres: Postgres;
  beforeAll(async () => {
    folder = await scratch();
    driver = await Driver.start({
      SYNCLINE_PROJECT: join(folder.path, "studio"),
      SYNCLINE_MASTER_KEY: "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
      XDG_DATA_HOME: join(folder.path, "data"),
      XDG_CONFIG_HOME: join(folder.path, "config"),
      // The web view calls this language "C", and what is made of that must not leave the window blank.
      LANG: "C.UTF-8",
      LC_ALL: "C.UTF-8",
    });
    window = await DesktopWindow.open(driver);
  });
  afterAll(async () => {
    window?.quit();
    await driver?.stop();
    await postgres?.close();
    await folder?.remove();
  });

  it("sees the first screen, drawn by the web view of the system", async () => {
    await window.sees("Try it with sample data");
    expect(await window.run("return [location.protocol, document.documentElement.dataset.theme !== undefined]", [])).toEqual(["tauri:", true]);
    const picture = process.env["SYNCLINE_SCREENSHOTS"];
    if (picture) await writeFile(join(picture, "desktop-welcome.png"), await window.picture());
  });

  it("syncs the sample and looks at the data", async () => {
    await window.click("Try it with sample data");
    await window.sees("This will create 5 tables in studio.duckdb");
    await window.click("Apply and sync now");
    await window.sees("Every row accounted for.");
    await window.sees("61,240 rows in 5 tables");
    await window.click("Look at the data");
    await window.sees("james.wright1@example.org");
  });

  it("may ask the shell for nothing that the page does not need", async () => {
    const wishes: [string, object][] = [
      ["plugin:opener|open_url", { url: "http://example.org" }],
      ["plugin:opener|open_url", { url: "file:///etc/passwd" }],
      ["plugin:opener|open_path", { path: "/etc/passwd" }],
      ["plugin:dialog|open", { options: {} }],
      ["plugin:notification|notify", { options: { title: "x" } }],
      ["plugin:window|set_title", { value: "x" }],
      ["plugin:event|emit", { event: "command", payload: "home" }],
    ];
    for (const [command, args] of wishes) {
      await expect(window.invoke(command, args), command).rejects.toThrow(/not allowed/i);
    }
    await expect(window.ask("no.such.request", null)).rejects.toThrow();
  });

  it("quits in the middle of a run, which ends at a durable point", async () => {
    postgres = await startPostgres();
    await postgres.sql(SCHEMA);
    const { host, port, database, user, password } = postgres;
    await window.ask("systems.save", {
      side: "source",
      name: "shop",
      connector: "postgres",
      config: { host, port, database, user, parallel: 1 },
      secrets: { password },
    });
    await window.ask("connections.save", { connection: "shop", config: { source: "shop", destination: "studio", tables: TABLES } });
    await postgres.hold(CLOSE_GATE);
    await window.run("location.hash = '#/connections/shop/plan'", []);
    await window.click("Apply");
    await window.sees(/public\.orders[\s\S]*done/);
    window.quit();
    await until("the program stops", async () => (await log(join(folder.path, "studio"))).includes("closing;"));
    await postgres.release();
    await window.ended();
    await window.forget();
  });

  it("starts again and goes on", async () => {
    window = await DesktopWindow.open(driver);
    await window.sees(/shop/);
    const before = await window.ask<RunRow[]>("runs.list", { connection: "shop", limit: 5 });
    expect(before).toMatchObject([{ outcome: "stopped", interrupted: false }]);
    await window.run("location.hash = '#/connections/shop/plan'", []);
    await window.click("Apply");
    await window.sees("Every row accounted for.");
    const answer = await window.ask<{ rows: string[][] }>("sql.run", {
      destination: "studio",
      sql: "select count(*), count(distinct id), (select count(*) from public.later) from public.orders",
      offset: 0,
      limit: 1,
    });
    expect(answer.rows).toEqual([[String(ORDERS), String(ORDERS), "1000"]]);
  });
});

/** What the program wrote down. */
async function log(project: string): Promise<string> {
  const logs = join(project, ".syncline", "logs");
  const files = (await readdir(logs)).filter((name) => name.endsWith(".jsonl"));
  return (await Promise.all(files.map((name) => readFile(join(logs, name), "utf8")))).join("");
}
