import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { describe, expect, it } from "vitest";
import type { FoundTable } from "~/api/generated";
import { render } from "../../../test/render";
import { type Selection, treated } from "./selection";
import { TableDetail } from "./TableDetail";

const customers: FoundTable = {
  table: "public.customers",
  kind: "view",
  rows_estimate: 100,
  bytes_estimate: 2_000_000,
  columns: [
    { name: "id", type: "int64", nullable: false, personal: null },
    { name: "email", type: "text", nullable: true, personal: { kind: "e-mail", likely: true, evidence: "its name", suggestion: "hash" } },
    { name: "note", type: "text", nullable: true, personal: { kind: "free text", likely: false, evidence: "long text", suggestion: "exclude" } },
  ],
  key: ["id"],
  cursors: [],
  suggested: { mode: "merge", cursor: null },
  unreadable: null,
  comment: "People who bought",
};

function Detail({ table = customers }: { table?: FoundTable }) {
  const [selection, setSelection] = useState<Selection>({});
  return (
    <>
      <TableDetail
        table={table}
        chosen={selection[table.table]}
        onTreat={(column, treatment) => setSelection(treated(selection, table, column, treatment))}
        onChange={(chosen) => setSelection({ [table.table]: chosen })}
      />
      <output>{JSON.stringify(selection[table.table]?.columns ?? null)}</output>
    </>
  );
}

describe("what is known of a table", () => {
  it("says what may be personal and why, and does something only when it is asked", async () => {
    const user = userEvent.setup();
    render(<Detail />);
    expect(screen.getByText("2 columns may hold personal data")).toBeDefined();
    expect(screen.getByText("e-mail: likely")).toBeDefined();
    expect(screen.getByText("free text: possible")).toBeDefined();
    expect(screen.getByText(/: its name/)).toBeDefined();
    expect(screen.getByText("People who bought")).toBeDefined();
    expect(screen.getByText(/^view · about/)).toBeDefined();
    expect(screen.getByRole("status").textContent).toBe("null");
    await user.click(screen.getByRole("button", { name: "Hash email" }));
    expect(screen.getByRole("status").textContent).toBe('{"email":"hash"}');
    await user.click(screen.getByRole("button", { name: "Leave out note" }));
    expect(screen.getByRole("status").textContent).toBe('{"email":"hash","note":"exclude"}');
    expect(screen.queryByRole("button", { name: "Hash email" })).toBeNull();
  });

  it("says why a table cannot be read, and offers nothing for it", () => {
    render(<Detail table={{ ...customers, unreadable: "no permission" }} />);
    expect(screen.getByText("Cannot be read: no permission")).toBeDefined();
    expect(screen.queryByRole("button")).toBeNull();
  });
});
