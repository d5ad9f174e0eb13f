import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { type Postgres, scratch, startPostgres } from "../support/program";
import { DesktopWindow, Driver } from "../support/window";
import { quantile, report } from "./figures";

const ROWS = 100_000;
const COLUMNS = 200;
const NUMBERS = Array.from({ length: COLUMNS }, (_, at) => at);
const SCHEMA = `create table wide as select n as id, ${NUMBERS.slice(1)
  .map((at) => `n * ${at} as column_${at}`)
  .join(", ")} from generate_series(1::bigint, ${ROWS}) n; alter table wide add primary key (id)`;
const STEPS = 200;
const STEP_MEDIAN_MAX_MS = 33;

/** Scrolls once in each frame, and tells how long each frame took and how many of them showed a row that was not drawn. */
const SCROLL = `const [across, by, steps, done] = arguments;
  const grid = document.querySelector('[role="grid"]');
  const frames = [];
  let late = 0;
  let last = performance.now();
  const step = () => {
    const now = performance.now();
    frames.push(now - last);
    last = now;
    const top = Math.floor(grid.scrollTop / 28) + 2;
    if (!grid.querySelector('[role="row"][aria-rowindex="' + (top + 1) + '"]')) late += 1;
    if (frames.length > steps) return done({ frames: frames.slice(1), late });
    grid[across ? "scrollLeft" : "scrollTop"] += by;
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);`;

interface Scrolled {
  frames: number[];
  late: number;
}

describe("the data of a table in the window", () => {
  let folder: Awaited<ReturnType<typeof scratch>>;
  let driver: Driver;
  let window: DesktopWindow;
  let postgres: Postgres;
  beforeAll(async () => {
    [folder, postgres] = await Promise.all([scratch(), startPostgres()]);
    await postgres.sql(SCHEMA);
    driver = await Driver.start({
      SYNCLINE_PROJECT: join(folder.path, "studio"),
      SYNCLINE_MASTER_KEY: "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
      XDG_DATA_HOME: join(folder.path, "data"),
      XDG_CONFIG_HOME: join(folder.path, "config"),
      // The same on every machine: drawn by the processor.
      LIBGL_ALWAYS_SOFTWARE: "1",
    });
    window = await DesktopWindow.open(driver);
    await window.sees("Try it with sample data");
    const { host, port, database, user, password } = postgres;
    await window.ask("systems.save", {
      side: "source",
      name: "shop",
      connector: "postgres",
      config: { host, port, database, user },
      secrets: { password },
    });
    const destination = { side: "destination", name: "file", connector: "duckdb", config: { path: "wide.duckdb" }, secrets: {} };
    await window.ask("systems.save", destination);
    await window.ask("connections.save", {
      connection: "wide",
      config: { source: "shop", destination: "file", tables: [{ name: "public.wide" }] },
    });
    await window.run("location.hash = '#/connections/wide/plan'", []);
    await window.click("Apply");
    await window.sees("Every row accounted for.");
    await window.run("location.hash = '#/connections/wide/data'", []);
    await window.sees("column_1");
  });
  afterAll(async () => {
    window?.quit();
    await driver?.stop();
    await postgres?.close();
    await folder?.remove();
  });

  it.each([
    { name: "down 3 rows", across: false, by: 3 * 28 },
    { name: "down 100 rows", across: false, by: 100 * 28 },
    { name: "a column sideways", across: true, by: 120 },
  ])("scrolls $name", async ({ name, across, by }) => {
    const { frames, late } = await window.runAsync<Scrolled>(SCROLL, [across, by, STEPS]);
    await report({
      name: `grid of ${ROWS.toLocaleString("en")} rows × ${COLUMNS} columns, ${name}: median of ${STEPS} steps`,
      value: quantile(frames, 0.5),
      unit: "ms",
      goal: STEP_MEDIAN_MAX_MS,
      note: `p95 ${quantile(frames, 0.95).toFixed(1)} ms; ${late} of ${STEPS} steps showed a row late`,
    });
  });
});
