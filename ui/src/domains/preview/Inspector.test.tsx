import { act, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { preview, profile } from "../../../test/fixture/data";
import { render } from "../../../test/render";
import type { RowFilter } from "./filter";
import { Inspector, type InspectorPart } from "./Inspector";
import { ProfileStore, wantedNext } from "./profiles";

const sample = preview("orders");

function show(part: InspectorPart, { column = null as number | null, store = new ProfileStore("1") } = {}) {
  render(<Inspector preview={sample} store={store} column={column} part={part} onPart={() => undefined} />);
}

describe("beside a sample", () => {
  it("shows how the values of a column are spread, each range in words", () => {
    const store = new ProfileStore("1");
    const histogram = [
      { from: "0", to: "50", count: 990 },
      { from: "50", to: "100", count: 0 },
      { from: "100", to: "150", count: 1 },
    ];
    store.add([{ ...profile(1), histogram }]);
    show("column", { column: 1, store });
    expect(screen.getAllByRole("img").map((bar) => bar.getAttribute("aria-label"))).toEqual([
      "0 to 50: 990 values",
      "50 to 100: 0 values",
      "100 to 150: 1 value",
    ]);
  });

  it("lets bars that hold rows be pressed, with one stop of Tab and arrows between them", async () => {
    const store = new ProfileStore("1");
    const histogram = [
      { from: "0", to: "9240.75", count: 500 },
      { from: "9240.75", to: "18481.5", count: 500 },
    ];
    store.add([{ ...profile(1), histogram, top: [] }]);
    const onFilter = vi.fn<(filter: RowFilter | null) => void>();
    render(<Inspector preview={sample} store={store} column={1} filtering={{ filter: null, onFilter }} part="column" onPart={() => undefined} />);
    const bars = within(screen.getByRole("list", { name: "How values are spread" })).getAllByRole("button");
    expect(bars.map(({ tabIndex }) => tabIndex)).toEqual([0, -1]);
    act(() => bars[0]?.focus());
    await userEvent.keyboard("{ArrowRight}{Enter}");
    const picked = onFilter.mock.lastCall?.[0];
    expect(picked).toMatchObject({ column: 1, of: { from: "9240.75", to: "18481.5", bin: 1 } });
    expect([picked?.rows.size, picked?.rows.has(499), picked?.rows.has(500)]).toEqual([500, false, true]);
  });

  it("says that a column is not counted yet, and which ones never are", () => {
    const store = new ProfileStore("1");
    show("column", { column: 0, store });
    expect(screen.getByText("Its values are not counted yet.")).toBeDefined();
  });

  it("names the columns that are skipped", () => {
    const store = new ProfileStore("1");
    store.add([0, 1, 5].map(profile));
    show("findings", { store });
    expect(screen.getByText(/^Not counted/).textContent).toBe("Not counted: payload (nested values)");
  });

  it("counts what is on screen first", () => {
    const store = new ProfileStore("1");
    store.add([0, 41].map(profile));
    expect(wantedNext(store, 60, [40, 43])).toEqual([40, 42, 43, ...Array.from({ length: 21 }, (_, at) => at + 1)]);
    expect(wantedNext(store, 2, [0, 1])).toEqual([1]);
  });

  it("shows the rows that will be rejected with their reason when asked", async () => {
    show("findings");
    expect(screen.getByText("1 row of this sample will be rejected; 1,000 fit")).toBeDefined();
    expect(screen.getByText(/"amount": "N\/A"/).closest("[hidden]")).not.toBeNull();
    await userEvent.click(screen.getByRole("button", { name: "Show these rows" }));
    expect(screen.getByText(/"amount": "N\/A"/).closest("[hidden]")).toBeNull();
  });

  it("compares the definition with what is there, unchanged columns folded", async () => {
    show("definition");
    expect(screen.getByText("+ 1 new · ~ 1 changed")).toBeDefined();
    expect(screen.getByText('"channel" VARCHAR')).toBeDefined();
    expect(screen.getByText('"amount" DECIMAL(12,2)').tagName).toBe("DEL");
    expect(screen.getByText('"id" BIGINT').closest("[hidden]")).not.toBeNull();
    await userEvent.click(screen.getByRole("button", { name: "2 unchanged columns" }));
    expect(screen.getByText('"id" BIGINT').closest("[hidden]")).toBeNull();
  });

  it("estimates in ranges, each figure with its basis, and no money", () => {
    show("estimate");
    const inspector = screen.getByRole("complementary");
    expect(screen.getByText("about 21 sec to 2 min 44 sec")).toBeDefined();
    expect(screen.getByText(/from reading 1,001 rows at 25,025 rows\/s/)).toBeDefined();
    expect(screen.getByText("about 34 to 1,204")).toBeDefined();
    expect(inspector.textContent).not.toMatch(/[$€]|price|cost/i);
  });
});
