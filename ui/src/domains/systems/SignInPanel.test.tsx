import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import type { SignInOutcome } from "~/api/generated";
import { render } from "../../../test/render";
import { SignInPanel } from "./SignInPanel";
import type { SignIn } from "./useSignIn";

const started = { id: "1", url: "https://tickets.example.com/in", client: "studio-client", scopes: ["tickets:read"] };

Element.prototype.scrollIntoView ??= () => undefined;

function signIn(extra: Partial<SignIn>): SignIn {
  const idle = { started: null, outcome: null, pending: false, error: null, id: null };
  const ways = { begin: async () => undefined, openAgain: vi.fn(), enterCode: vi.fn(async () => undefined), cancel: vi.fn() };
  return { ...idle, ...ways, ...extra };
}

function show(state: SignIn, blocked?: string) {
  const onBegin = vi.fn();
  render(<SignInPanel title="Tickets" signIn={state} blocked={blocked} onBegin={onBegin} />);
  return onBegin;
}

describe("signing in with the browser", () => {
  it("says what is missing instead of beginning without it", async () => {
    const onBegin = show(signIn({}), "Fill in first: Client ID");
    await userEvent.click(screen.getByRole("button", { name: "Sign in to Tickets in your browser" }));
    expect(onBegin).not.toHaveBeenCalled();
  });

  it("offers four ways on while the browser is waited for", async () => {
    const state = signIn({ started, pending: true });
    show(state);
    expect(document.activeElement?.textContent).toBe("Waiting for you in the browser");
    expect(screen.getByText("studio-client")).toBeDefined();
    expect(screen.getByText("tickets:read")).toBeDefined();
    await userEvent.click(screen.getByRole("button", { name: "Open again" }));
    expect(state.openAgain).toHaveBeenCalledOnce();
    expect(screen.getByRole("button", { name: "Copy link" })).toBeDefined();
    await userEvent.click(screen.getByRole("button", { name: "Enter a code instead" }));
    await userEvent.type(screen.getByLabelText("Code"), "4/abc{Enter}");
    expect(state.enterCode).toHaveBeenCalledWith("4/abc");
    await userEvent.click(screen.getByRole("button", { name: "Cancel" }));
    expect(state.cancel).toHaveBeenCalledOnce();
  });

  it.each<[SignInOutcome, string]>([
    [{ how: "done", filled: ["token"] }, "Signed in to Tickets"],
    [{ how: "denied" }, "You chose not to allow it at Tickets"],
    [{ how: "timed_out" }, "Nobody came back from the browser within 5 minutes"],
  ])("has its own words for each end, and the way to try again: $how", async (outcome, words) => {
    const onBegin = show(signIn({ started, outcome }));
    expect(screen.getByRole("status").textContent).toContain(words);
    await userEvent.click(screen.getByRole("button", { name: "Sign in again" }));
    expect(onBegin).toHaveBeenCalledOnce();
  });
});
