import { screen, waitFor, within } from "@testing-library/react";
import { render as renderBare } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { App } from "~/App";
import { fixturePlatform } from "../../test/fixture/platform";

// What jsdom lacks and the window asks for.
window.matchMedia ??= (query) => Object.assign(new EventTarget(), { matches: false, media: query, onchange: null, addListener: () => undefined, removeListener: () => undefined });

Element.prototype.scrollIntoView ??= () => undefined;

/** The whole window at an address, with the requests it makes. */
function openAt(path: string, answers: Record<string, unknown> = {}) {
  window.location.hash = `#${path}`;
  const inner = fixturePlatform();
  const call = vi.fn<typeof inner.call>(async (name, request, signal) =>
    name in answers ? { ok: true, value: answers[name] } : inner.call(name, request, signal),
  );
  renderBare(<App platform={{ ...inner, call }} />);
  const sent = (name: string) => call.mock.calls.filter(([each]) => each === name).map(([, request]) => request);
  return { sent };
}

describe("history", () => {
  it("says how much of the allowance is left, and counts every error", async () => {
    openAt("/connections/sample/history");
    expect(await screen.findByText(/^10 min of 30 min allowance used, 20 min left\./)).toBeDefined();
    expect(screen.getByText(/99\.9% of the time: 30 full days allow 43 min 12 sec late/)).toBeDefined();
    expect(screen.getByText("99.96%")).toBeDefined();
    expect(screen.getByText("16 of 17 syncs brought everything in")).toBeDefined();
    expect(screen.getByText("16 of 20 attempts without an error")).toBeDefined();
  });

  it("leads to Settings when nobody said how fresh data should be", async () => {
    const none = { days: 30, runs: 0, succeeded: 0, attempts: 0, attempts_succeeded: 0, last_success_at: null, freshness: null, grid: { hours: 6, columns: [], tables: [] } };
    openAt("/connections/sample/history", { "runs.reliability": none, "settings.get": { fresh_within_minutes: null } });
    const link = await screen.findByRole("link", { name: "Set it in Settings" });
    expect(link.getAttribute("href")).toMatch(/#\/settings$/);
  });

  it("shows changes between runs, alone when asked", async () => {
    openAt("/connections/sample/history");
    const list = await screen.findByRole("group", { name: "Runs, newest first" });
    expect(within(list).getByText("No longer paused.")).toBeDefined();
    await userEvent.click(screen.getByRole("button", { name: /^Changes/ }));
    expect(within(list).queryAllByRole("button").map(({ textContent }) => textContent)).toEqual(["Undo", "Show the change"]);
    expect(within(list).getByText("No longer paused.")).toBeDefined();
  });

  it("shows time asleep apart from time that was late, and lets it count", async () => {
    const { sent } = openAt("/connections/sample/history");
    const row = await screen.findByRole("img", { name: /^Fresh data: 10 min late, 60 hr closed or asleep/ });
    expect(row.querySelectorAll("[data-cell=off]")).toHaveLength(10);
    expect(row.querySelectorAll("[data-cell=late]")).toHaveLength(1);
    expect(screen.getByRole("img", { name: /^orders: 1 failed, / })).toBeDefined();
    await userEvent.click(screen.getByRole("checkbox", { name: /^Count time in which Syncline was closed/ }));
    await waitFor(() => expect(sent("settings.save")).toEqual([{ fresh_within_minutes: 60, count_while_off: true }]));
  });

  it("opens a change of the configuration, and takes a decision back", async () => {
    const { sent } = openAt("/connections/sample/history");
    await userEvent.click(await screen.findByRole("button", { name: "Show the change" }));
    const dialog = await screen.findByRole("dialog", { name: "What changed in the configuration" });
    expect(await within(dialog).findByText(/mode: history/)).toBeDefined();
    expect(sent("config.diff")).toEqual([{ before: 1, after: 2 }]);
    await userEvent.click(within(dialog).getByRole("button", { name: "Close" }));
    await userEvent.click(screen.getByRole("button", { name: "Undo" }));
    await waitFor(() => expect(sent("inbox.undo")).toEqual([{ entries: [3] }]));
  });
});

describe("a connection", () => {
  it("is paused with the keyboard", async () => {
    const { sent } = openAt("/connections/sample/overview");
    await screen.findByRole("tab", { name: "History" });
    await userEvent.keyboard("{Control>}.{/Control}");
    await waitFor(() => expect(sent("connections.pause")).toEqual([{ connection: "sample", paused: true }]));
  });
});

describe("the log", () => {
  it("is asked for the lines of one table, and pins its first error", async () => {
    const { sent } = openAt("/connections/sample/log?table=customers");
    await waitFor(() => expect(sent("run.log").at(-1)).toMatchObject({ lines: { table: "customers" }, from: 0 }));
    expect(await screen.findByText("permission denied for table order_items")).toBeDefined();
    // The error is not about this table: the whole log around it is shown.
    await userEvent.click(screen.getByRole("button", { name: "First error" }));
    await waitFor(() => expect((sent("run.log").at(-1) as { lines: object }).lines).not.toHaveProperty("table"));
  });

  it("is searched from the place that is shown, and on from there", async () => {
    const { sent } = openAt("/connections/sample/log");
    await userEvent.type(await screen.findByRole("searchbox", { name: "Search this log" }), "segment 3");
    // Typed quickly, asked once: 3, 30 is the error, 31 to 39, 300 to 399.
    expect(await screen.findByText("1 of 110")).toBeDefined();
    await userEvent.keyboard("{Enter}");
    expect(await screen.findByText("2 of 110")).toBeDefined();
    await userEvent.keyboard("{Shift>}{Enter}{/Shift}{Shift>}{Enter}{/Shift}");
    expect(await screen.findByText("110 of 110")).toBeDefined();
    expect(sent("run.log.find")).toMatchObject([
      { near: 1, backwards: false },
      { near: 4, backwards: false },
      { near: 31, backwards: true },
      { near: 3, backwards: true },
    ]);
  });
});

describe("comparing both sides", () => {
  it("tells one missing row apart from what is expected, and leads to a plan that reads it again", async () => {
    const { sent } = openAt("/connections/sample/compare");
    expect(await screen.findByText("1 row missing")).toBeDefined();
    expect(screen.getByText("not yet synced: 9")).toBeDefined();
    expect(screen.getByText("deleted in the source, deletes not tracked: 30")).toBeDefined();
    expect(screen.getByText("id = 7")).toBeDefined();
    expect(screen.getByText("matches: 2,000 rows")).toBeDefined();
    await userEvent.click(screen.getByRole("button", { name: "Re-read" }));
    await waitFor(() => expect(sent("plan.make")).toEqual([{ connection: "sample", tables: ["orders"], reread: true }]));
  });
});

describe("the inbox", () => {
  it("accepts only what is harmless at once, and takes it back", async () => {
    const { inbox } = await import("../../test/fixture/data");
    const harmless = inbox.filter((entry) => entry.harmless).map(({ id }) => id);
    const { sent } = openAt("/inbox");
    const accept = await screen.findByRole("button", { name: `Accept all ${harmless.length} harmless` });
    await userEvent.click(accept);
    expect(sent("inbox.decide")).toEqual([{ ids: harmless, choice: "apply" }]);
    await userEvent.click(await screen.findByRole("button", { name: "Undo" }));
    await waitFor(() => expect(sent("inbox.undo")).toEqual([{ entries: harmless.map((_, at) => at + 1) }]));
  });
});

describe("the palette", () => {
  it("finds a column by name and goes to it", async () => {
    const { sent } = openAt("/inbox");
    await screen.findByRole("heading", { name: "Inbox" });
    await userEvent.keyboard("{Control>}k{/Control}");
    await userEvent.type(await screen.findByRole("combobox"), "status");
    const found = await screen.findByRole("option", { name: /status.*sample orders/ });
    expect(found.getAttribute("aria-selected")).toBe("true");
    // Typed quickly, asked once.
    expect(sent("search")).toEqual([{ text: "status", limit: 20 }]);
    await userEvent.keyboard("{Enter}");
    await waitFor(() => expect(window.location.hash).toBe("#/connections/sample/preview?table=orders&column=status"));
    // The inspector speaks about the column, not about findings.
    const inspector = await screen.findByRole("complementary", { name: "About this sample" });
    expect(within(inspector).getByRole("heading", { name: "status" })).toBeDefined();
  });

  it("removes the sample only after saying what goes", async () => {
    const { sent } = openAt("/inbox");
    await screen.findByRole("heading", { name: "Inbox" });
    await userEvent.keyboard("{Control>}k{/Control}");
    await userEvent.type(await screen.findByRole("combobox"), "remove the sample{Enter}");
    const dialog = await screen.findByRole("dialog", { name: "Remove the sample?" });
    expect(sent("sample.remove")).toEqual([]);
    expect(dialog.textContent).toContain("Your own connections and their data stay");
    await userEvent.click(within(dialog).getByRole("button", { name: "Remove the sample" }));
    await waitFor(() => expect(sent("sample.remove")).toEqual([null]));
  });
});

describe("the overview", () => {
  it("counts runs as people do", async () => {
    const { detail } = await import("../../test/fixture/data");
    const one = detail("sample");
    openAt("/connections/sample/overview", { "connections.get": { ...one, summary: { ...one.summary, recent: one.summary.recent.slice(-1) } } });
    expect(await screen.findByText("Last run", { selector: "span" })).toBeDefined();
    expect(screen.queryByText(/Last 1 runs/)).toBeNull();
  });
});

describe("the list of connections", () => {
  it("says since when a connection is paused without asking again", async () => {
    vi.spyOn(Element.prototype, "clientHeight", "get").mockReturnValue(600);
    vi.spyOn(Element.prototype, "clientWidth", "get").mockReturnValue(1200);
    const { at, connections } = await import("../../test/fixture/data");
    const paused = connections.map((each) => (each.name === "sample" ? { ...each, health: "paused", paused_since: at(120) } : each));
    const { sent } = openAt("/", { "connections.list": paused });
    const row = (await screen.findByRole("link", { name: "sample" })).closest("[role=row]");
    expect(row?.textContent).toMatch(/Paused.*2 hr\. ago/i);
    expect(sent("connections.get")).toEqual([]);
    vi.restoreAllMocks();
  });

  it("shows drafts, which go on where they were left, and what each connection does", async () => {
    // Rows are virtual: they need a height to be shown in.
    vi.spyOn(Element.prototype, "clientHeight", "get").mockReturnValue(600);
    vi.spyOn(Element.prototype, "clientWidth", "get").mockReturnValue(1200);
    const { connections } = await import("../../test/fixture/data");
    const waiting = connections.map((each) => (each.name === "sample" ? { ...each, activity: "waiting", activity_text: "rate limited" } : each));
    const { sent } = openAt("/", { "connections.list": waiting });
    const draft = await screen.findByRole("link", { name: "stock-levels" });
    expect(draft.getAttribute("href")).toMatch(/#\/new\?draft=stock-levels$/);
    const row = (await screen.findByRole("link", { name: "sample" })).closest("[role=row]");
    expect(row?.textContent).toMatch(/Healthy.*waiting.*rate limited/);
    await userEvent.click(screen.getByRole("button", { name: /^Remove draft stock-levels/ }));
    await userEvent.click(await screen.findByRole("button", { name: "Remove draft" }));
    await waitFor(() => expect(sent("drafts.remove")).toEqual([{ name: "stock-levels" }]));
    vi.restoreAllMocks();
  });
});
