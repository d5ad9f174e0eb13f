import { RouterProvider } from "@tanstack/react-router";
import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { SystemInfo } from "~/api/generated";
import { makeRouter } from "~/views/router";
import { fixturePlatform } from "../../../test/fixture/platform";
import { systems } from "../../../test/fixture/setup-data";
import { render } from "../../../test/render";

function open(usedBy: string[]): string[] {
  const inner = fixturePlatform();
  const calls: string[] = [];
  const all: SystemInfo[] = systems.map((system) => (system.name === "shop" ? { ...system, used_by: usedBy } : system));
  const config = { host: "db", database: "shop", user: "ana", password: "${secret:source_shop_password}" };
  const answers: Record<string, unknown> = {
    "systems.list": all,
    "systems.get": { info: all[0], config, secrets: ["password"] },
    "systems.remove": null,
  };
  render(<RouterProvider router={makeRouter()} />, {
    ...inner,
    call: async (name, request, signal) => {
      calls.push(name);
      return name in answers ? { ok: true, value: answers[name] } : inner.call(name, request, signal);
    },
  });
  return calls;
}

// What jsdom does not have.
beforeAll(() => {
  window.matchMedia = (media) => Object.assign(new EventTarget(), { media, matches: false, onchange: null, addListener: () => undefined, removeListener: () => undefined });
  window.scrollTo = () => undefined;
});

beforeEach(() => {
  location.hash = "#/systems/source/shop";
});

describe("a system of the settings", () => {
  it("shows what is stored, never a secret, and why it must stay", async () => {
    const calls = open(["finance"]);
    expect(await screen.findByText("•••••• saved", undefined, { timeout: 4000 })).toBeDefined();
    expect(screen.getByLabelText("Host")).toHaveProperty("value", "db");
    await userEvent.click(screen.getByRole("button", { name: "Remove" }));
    expect(await screen.findByText(/cannot be removed while a connection uses it: finance/)).toBeDefined();
    expect(screen.queryByRole("button", { name: "Remove shop" })).toBeNull();
    expect(calls).not.toContain("systems.remove");
  });

  it("is removed when nothing uses it", async () => {
    const calls = open([]);
    await userEvent.click(await screen.findByRole("button", { name: "Remove" }, { timeout: 4000 }));
    await userEvent.click(await screen.findByRole("button", { name: "Remove shop" }));
    await waitFor(() => expect(location.hash).toBe("#/settings"));
    expect(calls).toContain("systems.remove");
  });
});
