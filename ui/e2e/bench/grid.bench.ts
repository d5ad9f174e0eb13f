import { afterAll, beforeAll, describe, it } from "vitest";
import type { DesktopWindow } from "../support/window";
import { BY_PROCESSOR, Desk } from "./desk";
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
  let desk: Desk;
  let window: DesktopWindow;
  beforeAll(async () => {
    desk = await Desk.open([SCHEMA], BY_PROCESSOR);
    ({ window } = desk);
    await desk.connect("wide", { name: "public.wide" });
    await window.run("location.hash = '#/connections/wide/plan'", []);
    await window.click("Apply");
    await window.sees("Every row accounted for.");
    await window.run("location.hash = '#/connections/wide/data'", []);
    await window.sees("column_1");
  });
  afterAll(() => desk?.close());

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
