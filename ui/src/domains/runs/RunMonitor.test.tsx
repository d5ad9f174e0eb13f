import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import type { ErrorKind, Failure } from "~/api/generated";
import { heard, type LiveRun, started } from "~/live/runs";
import { useShortcuts } from "~/shared/commands";
import { render } from "../../../test/render";
import { type Ending, RunMonitor } from "./RunMonitor";

// A canvas, which the page of a test does not have.
vi.mock("./RateChart", () => ({ default: () => null }));

const run = heard(
  started("r", "shop", ["orders"], performance.now()),
  { event: "progress", elapsed_ms: 1_000, tables: [{ table: "orders", rows_read: 900, rows_committed: 600, rows_rejected: 0, bytes: 9_000, rows_prepared: 900, source_ms: 100, prepare_ms: 50, destination_ms: 700 }] },
  performance.now(),
);

const nothing = () => undefined;

function Monitor({ ending, onPause, onStop }: { ending: Ending; onPause: () => void; onStop: () => void }) {
  useShortcuts();
  return <RunMonitor run={run} ending={ending} onPause={onPause} onStop={onStop} onHurry={nothing} onLog={nothing} />;
}

it("names no time before there is a second of it", () => {
  const began = performance.now();
  const { unmount } = render(<RunMonitor run={started("r", "shop", ["orders"], began)} ending={null} onPause={nothing} onStop={nothing} onHurry={nothing} onLog={nothing} />);
  expect(screen.queryByText(/elapsed/)).toBeNull();
  unmount();
  render(<Monitor ending={null} onPause={() => undefined} onStop={() => undefined} />);
  expect(screen.getByText(/1 sec elapsed/)).toBeDefined();
});

it("pauses at once, and stops only after saying what is dropped", async () => {
  const onPause = vi.fn();
  const onStop = vi.fn();
  render(<Monitor ending={null} onPause={onPause} onStop={onStop} />);
  await userEvent.keyboard("{Control>}.{/Control}");
  expect(onPause).toHaveBeenCalledOnce();
  await userEvent.click(screen.getByRole("button", { name: /^Stop…/ }));
  expect(await screen.findByText("600 rows stay in the destination.")).toBeDefined();
  expect(screen.getByText(/^300 rows were read but are not durable yet/)).toBeDefined();
  expect(onStop).not.toHaveBeenCalled();
  await userEvent.click(screen.getByRole("button", { name: "Stop now" }));
  expect(onStop).toHaveBeenCalledOnce();
});

it("that is pausing cannot be paused again, but can still be stopped", async () => {
  const onPause = vi.fn();
  render(<Monitor ending="pausing" onPause={onPause} onStop={() => undefined} />);
  expect(screen.getByRole("heading", { name: /Pausing/ })).toBeDefined();
  await userEvent.keyboard("{Control>}.{/Control}");
  expect(onPause).not.toHaveBeenCalled();
  expect(screen.getByRole("button", { name: /^Stop…/ })).toHaveProperty("disabled", false);
});

/** What the screen says about a run, and the buttons beside it. */
function told(shown: LiveRun, onHurry = nothing) {
  const { container, unmount } = render(
    <RunMonitor run={shown} ending={null} onPause={nothing} onStop={nothing} onHurry={onHurry} onLog={nothing} />,
  );
  const place = container.querySelector<HTMLElement>(".bg-warn-soft");
  const buttons = [...(place?.querySelectorAll("button") ?? [])].map((button) => button.textContent ?? "");
  return { words: place?.querySelector("span, p")?.textContent ?? "", buttons, unmount };
}

const began = { event: "table_started", table: "orders", rows_estimate: null, full: true, resumed: false } as const;
const failure = (kind: ErrorKind, message: string): Failure => ({ kind, message, meaning: "Nothing is lost.", fixes: ["Wait."], details: [] });
const retrying = (failed: Failure) => heard(run, { event: "retrying", attempt: 2, in_ms: 8_000, failure: failed }, performance.now());

it("says in a sentence of its own why it does not go on, with something to do", () => {
  const silent = { ...heard(run, began, performance.now()), movedAt: performance.now() - 34_000 };
  const limited = heard(run, { event: "waiting", table: "orders", reason: "The API asks to wait." }, performance.now());
  const cases = {
    silence: told(silent),
    limit: told(limited),
    locked: told(retrying(failure("locked", "`shop.duckdb` is open in another program."))),
    gone: told(retrying(failure("unreachable", "Nothing listens at db.example.com:5432."))),
  };
  const online = vi.spyOn(navigator, "onLine", "get").mockReturnValue(false);
  const offline = told(retrying(failure("unreachable", "Nothing listens at db.example.com:5432.")));
  online.mockRestore();
  const all = [...Object.values(cases), offline];
  expect(new Set(all.map(({ words }) => words)).size).toBe(all.length);
  for (const { words, buttons } of all) expect(buttons.length, words).toBeGreaterThan(0);
  expect(cases.silence.words).toMatch(/^The destination has not confirmed a row for 34 sec/);
  expect(cases.limit.words).toBe("orders waits: The API asks to wait. It goes on by itself.");
  expect(offline.words).toBe("This computer has no network.");
  expect(cases.locked.buttons).toContain("Try again now");
});

it("is not called silent while figures move, and tries again when it is told to", async () => {
  expect(told({ ...run, movedAt: performance.now() - 20_000 }).words).toBe("");
  const onHurry = vi.fn();
  told(retrying(failure("connection_lost", "The connection broke.")), onHurry);
  await userEvent.click(screen.getByRole("button", { name: "Try again now" }));
  expect(onHurry).toHaveBeenCalledOnce();
});

it("names the slowest stage", () => {
  render(<Monitor ending={null} onPause={nothing} onStop={nothing} />);
  expect(screen.getByText("slowest: destination")).toBeDefined();
});
