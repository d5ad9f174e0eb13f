import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeAll, describe, expect, it, vi } from "vitest";
import type { Platform } from "~/platform";
import { fixturePlatform } from "../../../test/fixture/platform";
import { connectors, form } from "../../../test/fixture/setup-data";
import { render } from "../../../test/render";
import { Catalogue } from "./Catalogue";
import { fromConfig, type Pasted, referencesOf } from "./form";
import { SystemForm } from "./SystemForm";

interface Call {
  name: string;
  request: unknown;
  signal: AbortSignal | undefined;
}

/** The fixtures, with some answers of its own; remembers what was asked. */
function answering(answers: Record<string, () => unknown>): { platform: Platform; calls: Call[] } {
  const inner = fixturePlatform();
  const calls: Call[] = [];
  const call: Platform["call"] = async (name, request, signal) => {
    calls.push({ name, request, signal });
    const answer = answers[name];
    return answer ? { ok: true, value: await answer() } : inner.call(name, request, signal);
  };
  return { calls, platform: { ...inner, call } };
}

const [postgres] = connectors;
if (!postgres) throw new Error("connectors");
const stored = { host: "db", port: 5432, database: "shop", user: "ana", password: "${secret:source_shop_password}", ssl: { mode: "require" } };

function Edit({ onSaved, fields = form }: { onSaved: () => void; fields?: typeof form }) {
  if (!postgres) return null;
  const begin = { name: "shop", values: fromConfig(form, stored) };
  return <SystemForm side="source" connector={postgres} form={{ fields, sign_in: null }} begin={begin} taken={null} references={references} onSaved={onSaved} aside={null} />;
}
const references = referencesOf(stored, ["password"]);

// jsdom has no layout to scroll in.
beforeAll(() => {
  Element.prototype.scrollIntoView = () => undefined;
});

describe("a system that is changed", () => {
  it("keeps a stored secret by its reference, or sends the one that replaces it", async () => {
    const user = userEvent.setup();
    const saved = vi.fn();
    const { platform, calls } = answering({});
    render(<Edit onSaved={saved} />, platform);
    expect(screen.getByText("•••••• saved")).toBeDefined();
    expect(document.body.innerHTML).not.toContain("secret:");
    await user.click(screen.getByRole("button", { name: /^Test/ }));
    await waitFor(() => expect(calls.find(({ name }) => name === "systems.check")?.request).toMatchObject({ config: { password: stored.password }, secrets: {} }));
    await user.click(await screen.findByRole("button", { name: "Replace Password" }));
    await user.type(screen.getByLabelText("Password"), "hunter2");
    // Another password is another test.
    await user.click(screen.getByRole("button", { name: /^Test/ }));
    await user.click(await screen.findByRole("button", { name: /^Save with limits/ }));
    await waitFor(() => expect(saved).toHaveBeenCalled());
    const sent = calls.find(({ name }) => name === "systems.save")?.request as { name: string; config: object; secrets: object };
    expect(sent).toMatchObject({ name: "shop", secrets: { password: "hunter2" } });
    expect(sent.config).not.toHaveProperty("password");
  });

  it("removes a stored secret only when that was asked for, and asks for one that is needed", async () => {
    const user = userEvent.setup();
    const { platform, calls } = answering({});
    const { unmount } = render(<Edit onSaved={vi.fn()} />, platform);
    await user.click(screen.getByRole("button", { name: "Remove Password" }));
    expect(screen.getByText("Removed when you save")).toBeDefined();
    await user.click(screen.getByRole("button", { name: /Keep the saved one/ }));
    expect(screen.getByText("•••••• saved")).toBeDefined();
    await user.click(screen.getByRole("button", { name: "Remove Password" }));
    await user.click(screen.getByRole("button", { name: /^Test/ }));
    await waitFor(() => expect(calls.some(({ name }) => name === "systems.check")).toBe(true));
    const sent = calls.find(({ name }) => name === "systems.check")?.request as { config: object; secrets: object };
    expect(sent.secrets).toEqual({});
    expect(sent.config).not.toHaveProperty("password");
    unmount();

    const needed = form.map((field) => (field.path.join(".") === "password" ? { ...field, required: true } : field));
    const { platform: other, calls: asked } = answering({});
    render(<Edit onSaved={vi.fn()} fields={needed} />, other);
    await user.click(screen.getByRole("button", { name: "Remove Password" }));
    await user.click(screen.getByRole("button", { name: /^Test/ }));
    expect(await screen.findByText("Removed when you save")).toBeDefined();
    expect(asked.some(({ name }) => name === "systems.check")).toBe(false);
  });

  it("can leave a test that takes too long, and takes no answer of it", async () => {
    const user = userEvent.setup();
    let finish = (_: unknown) => undefined as void;
    const { platform, calls } = answering({ "systems.check": () => new Promise((resolve) => (finish = resolve)) });
    render(<Edit onSaved={vi.fn()} />, platform);
    await user.click(screen.getByRole("button", { name: /^Test/ }));
    await user.click(await screen.findByRole("button", { name: "Cancel" }));
    expect(calls.find(({ name }) => name === "systems.check")?.signal?.aborted).toBe(true);
    finish({ outcome: "ready", steps: [] });
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(screen.queryByText("Testing…")).toBeNull();
    expect(screen.getByRole("button", { name: /^Test/ })).toHaveProperty("disabled", false);
  });
});

describe("a pasted address", () => {
  const address = "postgres://ana:hunter2@db/shop";

  it("opens the connector the engine names, with the password from the address, and leaves no trace of it", async () => {
    const user = userEvent.setup();
    const found = vi.fn<(name: string, pasted: Pasted | null) => void>();
    const { platform, calls } = answering({
      "connectors.address": () => ({ connector: "postgres", values: { host: "db", database: "shop", user: "ana" }, secrets: ["password"] }),
    });
    const { queries } = render(
      <Catalogue side="source" onBuild={() => undefined} onExisting={() => undefined} onConnector={({ name }, pasted) => found(name, pasted)} />,
      platform,
    );
    const search = await screen.findByLabelText("Search, or paste a connection address");
    await user.click(search);
    await user.paste(address);
    expect(calls.filter(({ name }) => name === "connectors.address")).toEqual([]);
    await user.keyboard("{Enter}");
    await waitFor(() => expect(found).toHaveBeenCalledWith("postgres", { values: { host: "db", database: "shop", user: "ana" }, secrets: { password: "hunter2" } }));
    const cached = queries.getQueryCache().getAll().map(({ queryKey, state }) => [queryKey, state.data]);
    expect(JSON.stringify(cached) + location.href + JSON.stringify({ ...localStorage })).not.toContain("hunter2");
  });

  it("that no connector knows is said so, without repeating it", async () => {
    const user = userEvent.setup();
    const { platform } = answering({ "connectors.address": () => null });
    render(<Catalogue side="source" onBuild={() => undefined} onExisting={() => undefined} onConnector={() => undefined} />, platform);
    await user.click(await screen.findByLabelText("Search, or paste a connection address"));
    await user.paste("gopher://ana:hunter2@db/shop");
    await user.click(screen.getByRole("button", { name: /Use this address/ }));
    const alert = await screen.findByRole("alert");
    expect(alert.textContent).toBe("No connector knows addresses that begin with gopher://.");
  });
});
