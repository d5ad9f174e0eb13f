import { afterAll, beforeAll, describe, it } from "vitest";
import type { DesktopWindow } from "../support/window";
import { BY_PROCESSOR, Desk } from "./desk";
import { quantile, report } from "./figures";

const TABLES = 10_000;
/** Created together: more in one transaction would need more locks than a server has by itself. */
const AT_ONCE = 1_000;
const SCHEMA = Array.from({ length: TABLES / AT_ONCE }, (_, at) => `do $$ begin for n in ${at * AT_ONCE}..${(at + 1) * AT_ONCE - 1} loop
  execute format('create table table_%s (id int primary key, name_%s text, amount_%s int, note jsonb)', n, n % 10, n % 100);
end loop; end $$`);
const KEY_MAX_MS = 50;
const STEP_MEDIAN_MAX_MS = 33;
const WORDS = ["table_99", "amount_7 table_12", "type:jsonb", "key:none", "table_9999"];

/** Types words key by key, and tells how long each key took until what it found was on screen. */
const TYPE = `const [words, done] = arguments;
  const box = document.querySelector('input[type="search"], [role="searchbox"]');
  const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const key = async (text) => {
    const began = performance.now();
    set.call(box, text);
    box.dispatchEvent(new Event("input", { bubbles: true }));
    // The page marks the tree with the words it was drawn for.
    while (document.querySelector("[data-query]")?.dataset.query !== text) await frame();
    return performance.now() - began;
  };
  (async () => {
    const times = [];
    for (const word of words) {
      for (let at = 1; at <= word.length; at += 1) times.push(await key(word.slice(0, at)));
      await key("");
    }
    done(times);
  })();`;

const SCROLL = `const [by, steps, done] = arguments;
  const tree = document.querySelector('[role="treegrid"]');
  const frames = [];
  let last = performance.now();
  const step = () => {
    const now = performance.now();
    frames.push(now - last);
    last = now;
    if (frames.length > steps) return done(frames.slice(1));
    tree.scrollTop += by;
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);`;

describe("the tables of a large source in the window", () => {
  let desk: Desk;
  let window: DesktopWindow;
  beforeAll(async () => {
    desk = await Desk.open(SCHEMA, BY_PROCESSOR);
    ({ window } = desk);
    await desk.connect("large", { name: "public.table_1" });
    await window.run("location.hash = '#/connections/large/tables'", []);
    await window.sees("of 10,000 tables");
  });
  afterAll(() => desk?.close());

  it("are searched while somebody types", async () => {
    const times = await window.runAsync<number[]>(TYPE, [WORDS]);
    const note = `median ${quantile(times, 0.5).toFixed(1)} ms, slowest ${Math.max(...times).toFixed(1)} ms`;
    await report({ name: `search in ${TABLES.toLocaleString("en")} tables, key to result: 90 % of ${times.length} keys within`, value: quantile(times, 0.9), unit: "ms", goal: KEY_MAX_MS, note });
  });

  it("scroll", async () => {
    const frames = await window.runAsync<number[]>(SCROLL, [96, 200]);
    const note = `p95 ${quantile(frames, 0.95).toFixed(1)} ms`;
    await report({ name: `list of ${TABLES.toLocaleString("en")} tables, down 3 rows: median of 200 steps`, value: quantile(frames, 0.5), unit: "ms", goal: STEP_MEDIAN_MAX_MS, note });
  });
});
