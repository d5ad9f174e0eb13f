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
    expect(await screen.findByText("10 of 30 allowed late minutes used, 20 left")).toBeDefined();
    expect(screen.getByText("99.96%")).toBeDefined();
    expect(screen.getByText("16 of 17 syncs brought everything in")).toBeDefined();
    expect(screen.getByText("16 of 20 attempts without an error")).toBeDefined();
  });

  it("leads to Settings when nobody said how fresh data should be", async () => {
    const none = { days: 30, runs: 0, succeeded: 0, attempts: 0, attempts_succeeded: 0, last_success_at: null, freshness: null, by_day: [] };
    openAt("/connections/sample/history", { "runs.reliability": none, "settings.get": { fresh_within_minutes: null } });
    const link = await screen.findByRole("link", { name: "Set it in Settings" });
    expect(link.getAttribute("href")).toMatch(/#\/settings$/);
  });

  it("shows changes between runs, alone when asked", async () => {
    openAt("/connections/sample/history");
    const list = await screen.findByRole("group", { name: "Runs, newest first" });
    expect(within(list).getByText("No longer paused.")).toBeDefined();
    await userEvent.click(screen.getByRole("button", { name: /^Changes/ }));
    expect(within(list).queryAllByRole("button")).toHaveLength(0);
    expect(within(list).getByText("No longer paused.")).toBeDefined();
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
  it("is asked for the lines of one table, and knows its first error", async () => {
    const { sent } = openAt("/connections/sample/log?table=customers");
    await screen.findByRole("button", { name: "First error" });
    await waitFor(() => expect(sent("run.log").at(-1)).toMatchObject({ table: "customers", from: 0 }));
    await waitFor(() => expect(screen.getByRole("button", { name: "First error" }).getAttribute("aria-disabled")).toBeNull());
    // The error is not about this table: the whole log around it is shown.
    await userEvent.click(screen.getByRole("button", { name: "First error" }));
    await waitFor(() => expect(sent("run.log").at(-1)).not.toHaveProperty("table"));
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
