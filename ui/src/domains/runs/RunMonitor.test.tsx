import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { heard, started } from "~/live/runs";
import { useShortcuts } from "~/shared/commands";
import { render } from "../../../test/render";
import { type Ending, RunMonitor } from "./RunMonitor";

// A canvas, which the page of a test does not have.
vi.mock("./RateChart", () => ({ default: () => null }));

const run = heard(
  started("r", "shop", ["orders"], performance.now()),
  { event: "progress", elapsed_ms: 1_000, tables: [{ table: "orders", rows_read: 900, rows_committed: 600, rows_rejected: 0, bytes: 9_000 }] },
  performance.now(),
);

function Monitor({ ending, onPause, onStop }: { ending: Ending; onPause: () => void; onStop: () => void }) {
  useShortcuts();
  return <RunMonitor run={run} ending={ending} onPause={onPause} onStop={onStop} />;
}

it("names no time before there is a second of it", () => {
  const began = performance.now();
  const { unmount } = render(<RunMonitor run={started("r", "shop", ["orders"], began)} ending={null} onPause={() => undefined} onStop={() => undefined} />);
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
