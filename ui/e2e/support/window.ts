import { type ChildProcess, spawn } from "node:child_process";
import { readdir, readFile, readlink } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { built } from "./program";

/** The desktop program in its own window, on a display of its own: Linux only, as web views elsewhere have no driver that
 * a test could use. */

const PATIENCE_MS = 60_000;
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

/** Pictures can only be taken of what is drawn as on a computer with a graphics processor. */
const drawing = process.env["SYNCLINE_SCREENSHOTS"] ? { WEBKIT_DISABLE_DMABUF_RENDERER: "0" } : {};

/** A display that nobody sees, and the driver of web views on it. */
export class Driver {
  readonly #display: ChildProcess;
  readonly #driver: ChildProcess;
  readonly url: string;

  private constructor(display: ChildProcess, driver: ChildProcess, url: string) {
    this.#display = display;
    this.#driver = driver;
    this.url = url;
  }

  /** What `env` says is what the program hears, too. */
  static async start(env: NodeJS.ProcessEnv): Promise<Driver> {
    const display = spawn("Xvfb", ["-displayfd", "1", "-screen", "0", "1400x900x24", "-nolisten", "tcp"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const lines = createInterface({ input: display.stdout });
    const number = await new Promise<string>((resolve, reject) => {
      lines.once("line", resolve);
      display.once("error", reject);
    });
    const port = await freePort();
    const driver = spawn("WebKitWebDriver", [`--port=${port}`, "--host=127.0.0.1"], {
      // A bus of the person's session would let the program find another one that runs there.
      env: { ...process.env, DBUS_SESSION_BUS_ADDRESS: "", NO_AT_BRIDGE: "1", TAURI_WEBVIEW_AUTOMATION: "true", ...drawing, ...env, DISPLAY: `:${number}` },
      stdio: "ignore",
    });
    const url = `http://127.0.0.1:${port}`;
    await until("the driver answers", async () => (await fetch(`${url}/status`).catch(() => null))?.ok);
    return new Driver(display, driver, url);
  }

  async stop(): Promise<void> {
    this.#driver.kill();
    this.#display.kill();
  }
}

/** The window, as somebody sees and uses it. */
export class DesktopWindow {
  readonly #session: string;
  readonly pid: number;

  private constructor(session: string, pid: number) {
    this.#session = session;
    this.pid = pid;
  }

  static async open(driver: Driver): Promise<DesktopWindow> {
    const binary = join(built, "syncline-studio");
    const before = await programs(binary);
    const answer = await command<{ sessionId: string }>(`${driver.url}/session`, "POST", {
      capabilities: { alwaysMatch: { "webkitgtk:browserOptions": { binary, args: [] } } },
    });
    const pid = (await programs(binary)).find((one) => !before.includes(one));
    if (pid === undefined) throw new Error(`${binary} does not run`);
    return new DesktopWindow(`${driver.url}/session/${answer.sessionId}`, pid);
  }

  /** Waits until the page says this. */
  async sees(words: string | RegExp): Promise<void> {
    const pattern = typeof words === "string" ? words : words.source;
    const regular = typeof words !== "string";
    const found = () =>
      this.run<boolean>(
        "const text = document.body.innerText; return arguments[1] ? new RegExp(arguments[0]).test(text) : text.includes(arguments[0]);",
        [pattern, regular],
      );
    await until(`the window says ${String(words)}`, found).catch(async (error: unknown) => {
      throw new Error(`${String(error)}\nit says:\n${await this.run<string>("return document.body.innerText", [])}`);
    });
  }

  /** Clicks the button of this name, as a person does: where it is, once it can be clicked. */
  async click(name: string): Promise<void> {
    const script = `return [...document.querySelectorAll("button")].find((one) =>
      !one.disabled && one.checkVisibility() && (one.getAttribute("aria-label") ?? one.innerText).trim().startsWith(arguments[0]))`;
    const find = async () => (await this.run<Record<string, string> | null>(script, [name]))?.[ELEMENT];
    await until(`there is a button ${name}`, async () => {
      const element = await find();
      if (!element) return false;
      // Between being found and being clicked it may have been drawn anew.
      return command(`${this.#session}/element/${element}/click`, "POST", {}).then(() => true, () => false);
    });
  }

  /** A request of the page to the engine, by the same way as all of them. */
  ask<Answer>(name: string, request: unknown): Promise<Answer> {
    return this.invoke("rpc", { name, request });
  }

  /** A command of the page to the shell. */
  async invoke<Answer>(name: string, args: object): Promise<Answer> {
    const script = `const [name, args, done] = arguments;
      window.__TAURI_INTERNALS__.invoke(name, args).then((value) => done({ value }), (error) => done({ error: JSON.stringify(error) }))`;
    const answer = await this.runAsync<{ value: Answer; error?: string }>(script, [name, args]);
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.value;
  }

  run<Value>(script: string, args: unknown[]): Promise<Value> {
    return command(`${this.#session}/execute/sync`, "POST", { script, args });
  }

  /** As {@link run}; the script calls its last argument with the answer when it has one. */
  runAsync<Value>(script: string, args: unknown[]): Promise<Value> {
    return command(`${this.#session}/execute/async`, "POST", { script, args });
  }

  async picture(): Promise<Buffer> {
    return Buffer.from(await command<string>(`${this.#session}/screenshot`, "GET"), "base64");
  }

  /** Asks the program to end, as the system does when the person logs out. */
  quit(): void {
    process.kill(this.pid, "SIGTERM");
  }

  async ended(): Promise<void> {
    await until("the program ends", async () => {
      const status = await readFile(`/proc/${this.pid}/stat`, "utf8").catch(() => null);
      // Its driver may not have asked yet how it ended.
      return status === null || status.includes(") Z ");
    });
  }

  /** Ends the session of the driver, whose program is gone. */
  async forget(): Promise<void> {
    await command(this.#session, "DELETE").catch(() => null);
  }
}

async function command<Value>(url: string, method: string, body?: object): Promise<Value> {
  const response = await fetch(url, { method, ...(body && { body: JSON.stringify(body) }) });
  const { value } = (await response.json()) as { value: Value & { error?: string; message?: string } };
  if (!response.ok) throw new Error(`${method} ${url}: ${value.error}: ${value.message}`);
  return value;
}

/** The processes of this program. */
async function programs(binary: string): Promise<number[]> {
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const all = await Promise.all(ids.map(async (id) => [id, await readlink(`/proc/${id}/exe`).catch(() => "")] as const));
  return all.filter(([, exe]) => exe === binary).map(([id]) => Number(id));
}

/** Waits for a condition. */
export async function until(what: string, condition: () => Promise<unknown>): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (address && typeof address === "object" ? resolve(address.port) : reject(new Error("no port"))));
    });
  });
}
