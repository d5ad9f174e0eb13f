import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { plan } from "../../../test/fixture/data";
import { render } from "../../../test/render";
import { PlanSheet } from "./PlanSheet";

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
});
