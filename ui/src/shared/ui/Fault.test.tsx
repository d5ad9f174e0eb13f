import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { EngineError } from "~/api/client";
import type { FixAction, Side } from "~/api/generated";
import { render } from "../../../test/render";
import { FixContext } from "./fixes";
import { Problem } from "./Problem";

const refused = (action: FixAction | null, side: Side | null = null) =>
  new EngineError({
    code: "authentication",
    message: "The password was not accepted.",
    meaning: "Nothing was read.",
    fix: [
      { label: "Give the right password.", action },
      { label: "Ask whoever runs the database.", action: null },
    ],
    retry: { when: "never" },
    side,
    detail: [],
  });

describe("a failure", () => {
  it("has a button for a fix that the screen can do, beside its sentence", async () => {
    const edit = vi.fn();
    render(
      <FixContext value={{ edit_settings: [{ label: "Settings of shop", run: edit }] }}>
        <Problem error={refused("edit_settings")} />
      </FixContext>,
    );
    const [first, second] = screen.getAllByRole("listitem");
    expect(first?.textContent).toContain("Give the right password.");
    expect(second?.querySelector("button")).toBeNull();
    await userEvent.click(screen.getByRole("button", { name: "Settings of shop" }));
    expect(edit).toHaveBeenCalledOnce();
  });

  it("offers the settings of the end where it happened; of both where nobody knows", () => {
    const around = (
      ["source", "destination"] as const
    ).map((side) => ({ label: `Settings of the ${side}`, side, run: () => undefined }));
    const shown = (side: Side | null) => {
      const { unmount } = render(
        <FixContext value={{ edit_settings: around }}>
          <Problem error={refused("edit_settings", side)} />
        </FixContext>,
      );
      const names = screen.getAllByRole("button", { name: /^Settings/ }).map(({ textContent }) => textContent);
      unmount();
      return names;
    };
    expect(shown("source")).toEqual(["Settings of the source"]);
    expect(shown("destination")).toEqual(["Settings of the destination"]);
    expect(shown(null)).toEqual(["Settings of the source", "Settings of the destination"]);
  });

  it("leaves a fix that the screen cannot do as a sentence", () => {
    render(<Problem error={refused("open_rejected")} />);
    expect(screen.getAllByRole("listitem")).toHaveLength(2);
    expect(screen.queryByRole("button", { name: /rejected/ })).toBeNull();
  });

  it("offers to try again once: beside the fix that says so, or below", async () => {
    const retry = vi.fn();
    const { unmount } = render(<Problem error={refused("try_again")} onRetry={retry} />);
    const button = screen.getByRole("button", { name: "Try again" });
    expect(button.closest("li")).not.toBeNull();
    await userEvent.click(button);
    expect(retry).toHaveBeenCalledOnce();
    unmount();
    render(<Problem error={refused(null)} onRetry={retry} />);
    expect(screen.getByRole("button", { name: "Try again" }).closest("li")).toBeNull();
  });
});
