import { clearMocks, mockIPC } from "@tauri-apps/api/mocks";
import { afterEach, describe, expect, it, vi } from "vitest";
import { desktopPlatform, isDesktop } from "./desktop";
import { TransportError } from "./platform";

afterEach(clearMocks);

describe("the window of the desktop shell", () => {
  it("is known by what the shell puts into the page", () => {
    expect(isDesktop()).toBe(false);
    mockIPC(() => null);
    expect(isDesktop()).toBe(true);
  });

  it("asks by one command and takes a refusal as an answer", async () => {
    const asked: unknown[] = [];
    mockIPC((command, args) => {
      asked.push([command, args]);
      if (asked.length > 1) throw Object.assign({ code: "config", message: "No." });
      return 7;
    });
    const { call } = desktopPlatform();
    expect(await call("runs.list", undefined)).toEqual({ ok: true, value: 7 });
    expect(asked[0]).toEqual(["rpc", { name: "runs.list", request: null, ticket: null }]);
    expect(await call("runs.list", {})).toEqual({ ok: false, error: { code: "config", message: "No." } });
  });

  it("tells a shell in trouble from an engine that refuses", async () => {
    mockIPC(() => {
      throw "command rpc not found";
    });
    await expect(desktopPlatform().call("runs.list", null)).rejects.toThrow(TransportError);
  });

  it("gives up a request that nobody waits for", async () => {
    const commands: [string, unknown][] = [];
    let answer: (value: unknown) => void = () => undefined;
    mockIPC((command, args) => {
      commands.push([command, (args as { ticket: unknown }).ticket]);
      return command === "rpc" ? new Promise((resolve) => (answer = resolve)) : null;
    });
    const abort = new AbortController();
    const called = desktopPlatform().call("sql.run", {}, abort.signal);
    await vi.waitFor(() => expect(commands).toHaveLength(1));
    abort.abort();
    answer(null);
    await called;
    const [asked, given] = commands;
    expect(asked?.[0]).toBe("rpc");
    expect(given).toEqual(["cancel", asked?.[1]]);
  });

  it("hears events until nobody listens", async () => {
    let tell: (event: unknown) => void = () => undefined;
    mockIPC((command, args) => {
      if (command === "events") tell = (args as { channel: { onmessage: typeof tell } }).channel.onmessage;
      return null;
    });
    const heard: unknown[] = [];
    const stop = desktopPlatform().listen(
      (event) => heard.push(event),
      (state) => heard.push(state),
    );
    await vi.waitFor(() => expect(heard).toEqual(["connecting", "up"]));
    tell({ event: "changed" });
    stop();
    tell({ event: "changed" });
    expect(heard).toEqual(["connecting", "up", { event: "changed" }]);
  });
});
