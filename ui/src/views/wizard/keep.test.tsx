import { act, screen, waitFor } from "@testing-library/react";
import { useState } from "react";
import { afterEach, describe, expect, it } from "vitest";
import type { ConnectionDraft } from "~/api/generated";
import type { Platform } from "~/platform";
import { fixturePlatform } from "../../../test/fixture/platform";
import { render } from "../../../test/render";
import { restored, useDraft } from "./draft";
import { useKeptDraft } from "./keep";

/** An engine that keeps drafts. */
function keeping(drafts: Map<string, unknown>): Platform {
  const inner = fixturePlatform();
  return {
    ...inner,
    call: async (name, request, signal) => {
      const { name: draft, content } = (request ?? {}) as { name: string; content: unknown };
      if (name === "drafts.list") {
        const value: ConnectionDraft[] = [...drafts].map(([each, kept]) => ({ name: each, changed_at: "2026-01-01T00:00:00Z", content: kept }));
        return { ok: true, value };
      }
      if (name === "drafts.save") drafts.set(draft, structuredClone(content));
      else if (name === "drafts.remove") drafts.delete(draft);
      else return inner.call(name, request, signal);
      return { ok: true, value: null };
    },
  };
}

function Page({ begin }: { begin?: string }) {
  const [wanted, setWanted] = useState(begin);
  const { ready, kept, discard } = useKeptDraft(wanted, setWanted);
  const source = useDraft((draft) => draft.source);
  return (
    <>
      <p>{ready ? `ready ${wanted ?? "new"} ${source ?? "nothing"} ${kept}` : "opening"}</p>
      <button type="button" onClick={() => void discard()}>
        done
      </button>
      <button type="button" onClick={() => setWanted("other")}>
        other
      </button>
    </>
  );
}

afterEach(() => act(() => useDraft.getState().clear()));

describe("a draft", () => {
  it("gets a free name with the first thing worth keeping, and goes when it is done", async () => {
    const drafts = new Map<string, unknown>([["from-shop", { source: "shop" }]]);
    render(<Page />, keeping(drafts));
    await screen.findByText("ready new nothing null");
    act(() => useDraft.getState().set({ name: "only-a-name" }));
    act(() => useDraft.getState().set({ source: "shop", step: "destination" }));
    await screen.findByText("ready from-shop-2 shop true", undefined, { timeout: 3000 });
    expect(drafts.get("from-shop-2")).toMatchObject({ source: "shop", step: "destination", name: "only-a-name" });
    act(() => screen.getByText("done").click());
    await waitFor(() => expect([...drafts.keys()]).toEqual(["from-shop"]));
  });

  it("is opened by its name, and a change just before another one is opened reaches only itself", async () => {
    const drafts = new Map<string, unknown>([
      ["mine", { step: "tables", source: "shop", destination: "lake", systems: {}, selection: {}, name: "" }],
      ["other", { step: "destination", source: "crm", destination: null, systems: {}, selection: {}, name: "" }],
    ]);
    render(<Page begin="mine" />, keeping(drafts));
    await screen.findByText("ready mine shop null");
    act(() => useDraft.getState().set({ name: "late" }));
    act(() => screen.getByText("other").click());
    await screen.findByText("ready other crm null");
    await waitFor(() => expect(drafts.get("mine")).toMatchObject({ name: "late", source: "shop" }));
    expect(drafts.get("other")).toMatchObject({ source: "crm", name: "" });
  });

  it("is kept when the page is left", async () => {
    const drafts = new Map<string, unknown>();
    const { unmount } = render(<Page />, keeping(drafts));
    await screen.findByText("ready new nothing null");
    act(() => useDraft.getState().set({ source: "shop" }));
    unmount();
    await waitFor(() => expect(drafts.get("from-shop")).toMatchObject({ source: "shop" }));
  });

  it("of another version begins anew where it does not fit", () => {
    expect(restored("text").step).toBe("source");
    expect(restored({ step: "review", source: "shop" }).step).toBe("destination");
    expect(restored({ step: "future", source: 7, systems: { source: { connector: "postgres", values: { host: "db" } }, destination: 1 } })).toEqual({
      step: "source",
      source: null,
      destination: null,
      systems: { source: { connector: "postgres", name: "", values: { host: "db" } } },
      selection: {},
      name: "",
    });
  });
});
