import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { fixturePlatform } from "../../test/fixture/platform";
import { render } from "../../test/render";
import type { Platform } from "~/platform";
import { useAction, useAnswer } from "./client";

function counting(): { platform: Platform; calls: string[] } {
  const calls: string[] = [];
  const inner = fixturePlatform();
  return {
    calls,
    platform: {
      ...inner,
      call: (name, request, signal) => {
        calls.push(name);
        return inner.call(name, request, signal);
      },
    },
  };
}

function Save() {
  const systems = useAnswer("systems.list", null);
  const connectors = useAnswer("connectors.list", null);
  const save = useAction("systems.save");
  const act = () =>
    void save.run({ side: "source", name: "shop", connector: "postgres", config: {}, secrets: { password: "hunter2" }, sign_in: null });
  return (
    <button type="button" onClick={act}>
      {systems.data && connectors.data ? "ready" : "loading"}
    </button>
  );
}

describe("the client", () => {
  it("asks again for exactly what an action made out of date", async () => {
    const { platform, calls } = counting();
    render(<Save />, platform);
    await screen.findByText("ready");
    await userEvent.click(screen.getByRole("button"));
    await waitFor(() => expect(calls.filter((name) => name === "systems.list")).toHaveLength(2));
    expect(calls.filter((name) => name === "connectors.list")).toHaveLength(1);
  });

  it("keeps no trace of a secret it sent", async () => {
    const { platform, calls } = counting();
    const { queries, container } = render(<Save />, platform);
    await screen.findByText("ready");
    await userEvent.click(screen.getByRole("button"));
    await waitFor(() => expect(calls).toContain("systems.save"));
    const caches = [...queries.getQueryCache().getAll().map(({ queryKey, state }) => [queryKey, state.data]), ...queries.getMutationCache().getAll().map(({ state }) => state)];
    expect(JSON.stringify(caches) + container.innerHTML + JSON.stringify({ ...localStorage })).not.toContain("hunter2");
  });
});
