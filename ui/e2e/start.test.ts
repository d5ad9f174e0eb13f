import { spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { built, scratch } from "./support/program";
import { DesktopWindow, Driver } from "./support/window";

/** Where pictures go; none are made without it. */
const pictures = process.env["SYNCLINE_SCREENSHOTS"];

/** A computer as people have it, and the first screen on it. The display has no tray and no session bus, so no keychain. */
describe.runIf(process.platform === "linux")("the desktop program on an unusual computer", () => {
  let folder: Awaited<ReturnType<typeof scratch>>;
  beforeEach(async () => {
    folder = await scratch();
  });
  afterEach(() => folder.remove());

  const surroundings = () => ({
    SYNCLINE_PROJECT: join(folder.path, "studio"),
    XDG_DATA_HOME: join(folder.path, "data"),
    XDG_CONFIG_HOME: join(folder.path, "config"),
    LANG: "C.UTF-8",
    LC_ALL: "C.UTF-8",
    // Not even the key of a test: what is not there cannot be used.
    SYNCLINE_MASTER_KEY: "",
    SYNCLINE_MASTER_KEY_FILE: "",
  });

  /** Opens the window there, and closes everything again. */
  async function inWindow(env: NodeJS.ProcessEnv, visit: (window: DesktopWindow) => Promise<void>): Promise<void> {
    const driver = await Driver.start({ ...surroundings(), ...env });
    try {
      const window = await DesktopWindow.open(driver);
      await window.sees("Try it with sample data");
      await visit(window);
      window.quit();
      await window.ended();
    } finally {
      await driver.stop();
    }
  }

  async function keep(window: DesktopWindow, name: string): Promise<void> {
    if (!pictures) return;
    await mkdir(pictures, { recursive: true });
    await writeFile(join(pictures, `${name}.png`), await window.picture());
  }

  it.each([1, 1.25, 1.5])("draws everything at %f times the size", async (scale) => {
    await inWindow({ GDK_DPI_SCALE: String(scale) }, async (window) => {
      const drawn = await window.run<{ wide: number; view: number; ways: number[]; bottom: number; height: number }>(
        `const ways = [...document.querySelectorAll("main button")].map((way) => way.getBoundingClientRect());
         return { wide: document.documentElement.scrollWidth, view: innerWidth, height: innerHeight,
           ways: ways.map(({ height }) => Math.round(height * devicePixelRatio)), bottom: Math.max(...ways.map(({ bottom }) => bottom)) }`,
        [],
      );
      await keep(window, `desktop-scale-${scale}`);
      expect(drawn.ways).toHaveLength(3);
      // Both are rounded, each on its own.
      expect(drawn.wide, "nothing beyond the right edge").toBeLessThanOrEqual(drawn.view + 1);
      expect(drawn.bottom, "nothing below the lower edge").toBeLessThanOrEqual(drawn.height);
    });
  });

  it("says what it means that there is no keychain, and syncs all the same", async () => {
    await inWindow({}, async (window) => {
      await expect(
        window.ask("systems.save", {
          side: "source",
          name: "shop",
          connector: "postgres",
          config: { host: "127.0.0.1", port: 1, database: "shop", user: "me" },
          secrets: { password: "hunter2" },
        }),
      ).rejects.toThrow(/keychain of this computer cannot be used.*Secrets are never kept without a key/s);
      await window.click("Try it with sample data");
      await window.click("Apply and sync now");
      await window.sees("Every row accounted for.");
    });
  });

  it("says in a sentence that there is no display", async () => {
    const { DISPLAY: _, WAYLAND_DISPLAY: __, ...env } = { ...process.env, ...surroundings() } as NodeJS.ProcessEnv;
    for (const display of [{}, { DISPLAY: ":4711" }]) {
      const program = spawn(join(built, "syncline-studio"), [], { env: { ...env, ...display }, stdio: ["ignore", "ignore", "pipe"] });
      let said = "";
      program.stderr.on("data", (data: Buffer) => (said += data.toString()));
      const code = await new Promise<number | null>((end) => program.once("close", end));
      expect(code).toBe(1);
      expect(said).toMatch(/needs a display, and there is none here\.\n.*`syncline serve`/);
      expect(said).not.toMatch(/panicked|backtrace/);
    }
  });
});
