import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { plan } from "../../../test/fixture/data";
import { render } from "../../../test/render";
import type { LeftTable } from "~/api/generated";
import { PlanSheet } from "./PlanSheet";
import { verbs } from "./verbs";

const quiet = { applying: false, onAgain: () => undefined };

describe("a plan", () => {
  it("that only adds is applied by Enter, because Apply has the focus", async () => {
    const onApply = vi.fn();
    render(<PlanSheet {...quiet} plan={plan("finance")} onApply={onApply} />);
    await userEvent.keyboard("{Enter}");
    expect(onApply).toHaveBeenCalledOnce();
  });

  it("that rebuilds a table is never applied by Enter alone", async () => {
    const onApply = vi.fn();
    render(<PlanSheet {...quiet} plan={plan("shop")} onApply={onApply} />);
    await userEvent.keyboard("{Enter}");
    expect(onApply).not.toHaveBeenCalled();
  });

  it("offers the tables that can go on, and shows why the others cannot", () => {
    render(<PlanSheet {...quiet} plan={plan("shop")} onApply={() => undefined} />);
    expect(screen.getByRole("button", { name: /Apply the 4 that can go on/ })).toBeDefined();
    expect(screen.getByRole("alert").textContent).toContain("The key of events changed");
  });

  it("with nothing to do says so", () => {
    const made = plan("shop");
    const same = { ...made, tables: made.tables.map((table) => ({ ...table, verb: "unchanged" as const, blocked: null, drift: [] })) };
    render(<PlanSheet {...quiet} plan={same} onApply={() => undefined} />);
    expect(screen.getByText(/No differences\. 5 tables match/)).toBeDefined();
  });

  it("in which only the source changed does not say that nothing differs", () => {
    const made = plan("shop");
    const drifted = { ...made, tables: made.tables.map((table) => ({ ...table, verb: "unchanged" as const, blocked: null })) };
    render(<PlanSheet {...quiet} plan={drifted} onApply={() => undefined} />);
    expect(screen.queryByText(/No differences/)).toBeNull();
    expect(screen.getByText(/new column/)).toBeDefined();
  });

  it("in which every table waits cannot be applied, and Apply says why", async () => {
    const onApply = vi.fn();
    const made = plan("shop");
    const stuck = { ...made, tables: made.tables.filter((table) => table.verb === "blocked") };
    render(<PlanSheet {...quiet} plan={stuck} onApply={onApply} />);
    const apply = screen.getByRole("button", { name: /Apply/ });
    expect(apply.getAttribute("aria-disabled")).toBe("true");
    await userEvent.click(apply);
    expect(onApply).not.toHaveBeenCalled();
  });

  it("that no longer holds cannot be applied, and says what moved", async () => {
    const onApply = vi.fn();
    render(<PlanSheet {...quiet} plan={plan("finance")} moved={["orders"]} onApply={onApply} />);
    const apply = screen.getByRole("button", { name: /^Apply/ });
    expect(apply.getAttribute("aria-disabled")).toBe("true");
    expect(screen.getByRole("alert").textContent).toContain("orders changed in the source or the destination");
    await userEvent.click(apply);
    await userEvent.keyboard("{Enter}");
    expect(onApply).not.toHaveBeenCalled();
  });

  it("keeps the rows of a table that is no longer synced, unless somebody ticks their removal", async () => {
    const onRemove = vi.fn();
    const left = [leftTable({})];
    render(<PlanSheet {...quiet} plan={{ ...plan("finance"), left }} onApply={() => undefined} onRemove={onRemove} />);
    expect(screen.getByText("No longer synced; its 200 rows stay in main.returns")).toBeDefined();
    const box = screen.getByRole<HTMLInputElement>("checkbox", { name: "Remove main.returns and its 200 rows from the destination" });
    expect(box.checked).toBe(false);
    await userEvent.click(box);
    expect(onRemove).toHaveBeenCalledExactlyOnceWith(["returns"]);
  });

  it("asks for the name of a table whose rows cannot be brought back", async () => {
    const onRemove = vi.fn();
    const left = [leftTable({ restorable: false })];
    render(<PlanSheet {...quiet} plan={{ ...plan("finance"), left }} onApply={() => undefined} onRemove={onRemove} />);
    await userEvent.click(screen.getByRole("checkbox"));
    const put = () => screen.findByRole("button", { name: "Put the removal into the plan" });
    await userEvent.click(await put());
    expect(onRemove).not.toHaveBeenCalled();
    await userEvent.type(screen.getByLabelText("Type returns to put this into the plan"), "returns");
    await userEvent.click(await put());
    expect(onRemove).toHaveBeenCalledExactlyOnceWith(["returns"]);
  });

  it("that removes rows says so by sign and word, and is never applied by Enter alone", async () => {
    const onApply = vi.fn();
    const left = [leftTable({ remove: true })];
    render(<PlanSheet {...quiet} plan={{ ...plan("finance"), left }} onApply={onApply} />);
    expect(screen.getByText("Do not find the table any more.")).toBeDefined();
    expect(screen.getByText("DROP TABLE returns")).toBeDefined();
    await userEvent.keyboard("{Enter}");
    screen.getByRole("button", { name: /^Apply/ }).focus();
    await userEvent.keyboard("{Enter}");
    expect(onApply).not.toHaveBeenCalled();
    expect(screen.getByText(/Enter alone does not/)).toBeDefined();
  });

  it("tells the four verbs apart by sign, icon, colour and word", () => {
    const shown = (["add", "change", "rebuild", "remove"] as const).map((verb) => verbs[verb]);
    for (const part of ["sign", "icon", "ink", "word"] as const) expect(new Set(shown.map((verb) => verb[part])).size).toBe(4);
  });
});

function leftTable(change: Partial<LeftTable>): LeftTable {
  return {
    table: "returns",
    target: { schema: "main", name: "returns" },
    rows: 200,
    synced_at: "2026-11-23T14:02:11Z",
    restorable: true,
    remove: false,
    ddl: ["DROP TABLE returns"],
    ...change,
  };
}
