import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { fixturePlatform } from "../../../test/fixture/platform";
import { render } from "../../../test/render";
import { Catalogue } from "./Catalogue";

function open() {
  render(<Catalogue side="source" onExisting={() => undefined} onConnector={() => undefined} onBuild={() => undefined} />, fixturePlatform());
}

describe("the catalogue", () => {
  it("shows what can be set up under its heading, with its drawing and what it notices", async () => {
    open();
    const apps = (await screen.findByRole("heading", { name: "Apps" })).closest("section");
    if (!apps) throw new Error("no section");
    const row = within(apps).getByRole("button", { name: /^Stripe/ });
    expect(row.querySelector("img")?.getAttribute("src")).toMatch(/^data:image\/svg\+xml,%3Csvg/);
    expect(row.textContent).toContain("incremental · schema changes");
    const databases = screen.getByRole("heading", { name: "Databases" }).closest("section");
    expect(databases?.textContent).toContain("PostgreSQL");
    expect(databases?.textContent).not.toContain("Stripe");
  });

  it("shows what was searched for in one list, best first", async () => {
    open();
    await userEvent.type(await screen.findByRole("searchbox"), "stripe");
    expect(screen.queryByRole("heading", { name: "Apps" })).toBeNull();
    expect(screen.getByRole("button", { name: /^Stripe/ })).toBeDefined();
    expect(screen.queryByRole("button", { name: /^PostgreSQL/ })).toBeNull();
  });
});
