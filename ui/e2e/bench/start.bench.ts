import { type ChildProcess, spawn } from "node:child_process";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, it } from "vitest";
import { built, scratch } from "../support/program";
import { quantile, report } from "./figures";

const STARTS = 7;
const USABLE_MAX_MS = 1500;
const PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 8;
const [WIDTH, HEIGHT] = [1400, 900];
/** Every so many pixels one is looked at, in both directions. */
const STRIDE = 4;
/** `--accent` and `--bg` of the light theme: the button that can be pressed, and the ground it stands on. */
const ACCENT = 0x325ec6;
const GROUND = 0xf9fafc;
const WHITE = 0xffffff;

/** A display whose picture lies in a file: what somebody would see, at any moment. */
async function display(folder: string): Promise<{ name: string; process: ChildProcess; look: () => Promise<Map<number, number>> }> {
  const xvfb = spawn("Xvfb", ["-displayfd", "1", "-screen", "0", `${WIDTH}x${HEIGHT}x24`, "-fbdir", folder, "-nolisten", "tcp"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const number = await new Promise<string>((resolve, reject) => {
    createInterface({ input: xvfb.stdout }).once("line", resolve);
    xvfb.once("error", reject);
  });
  const file = await open(join(folder, "Xvfb_screen0"));
  // The format of xwd: the length of the head, and in it the number of colours that follow.
  const head = Buffer.alloc(100);
  await file.read(head, 0, head.length, 0);
  const begin = head.readUInt32BE(0) + head.readUInt32BE(19 * 4) * 12;
  const pixels = Buffer.alloc(WIDTH * HEIGHT * 4);
  const look = async () => {
    await file.read(pixels, 0, pixels.length, begin);
    const seen = new Map<number, number>();
    for (let y = 0; y < HEIGHT; y += STRIDE) {
      for (let x = 0; x < WIDTH; x += STRIDE) {
        const colour = pixels.readUInt32LE((y * WIDTH + x) * 4) & 0xffffff;
        seen.set(colour, (seen.get(colour) ?? 0) + 1);
      }
    }
    return seen;
  };
  return { name: `:${number}`, process: xvfb, look };
}

interface Start {
  /** Something of the window is on the display. */
  shown: number;
  /** The first screen is there, with its buttons. */
  usable: number;
  /** Pictures between the two that were white, or had no ground of the theme. */
  unthemed: number;
}

const SAMPLES = (WIDTH / STRIDE) * (HEIGHT / STRIDE);

async function start(screen: Awaited<ReturnType<typeof display>>): Promise<Start> {
  const folder = await scratch();
  const env = {
    ...process.env,
    DISPLAY: screen.name,
    DBUS_SESSION_BUS_ADDRESS: "",
    NO_AT_BRIDGE: "1",
    SYNCLINE_PROJECT: join(folder.path, "studio"),
    XDG_DATA_HOME: join(folder.path, "data"),
    XDG_CONFIG_HOME: join(folder.path, "config"),
  };
  const begun = performance.now();
  const program = spawn(join(built, "syncline-studio"), [], { env, stdio: "ignore" });
  const ended = new Promise((end) => program.once("exit", end));
  const found: Start = { shown: Number.NaN, usable: Number.NaN, unthemed: 0 };
  while (Number.isNaN(found.usable)) {
    const seen = await screen.look();
    const now = performance.now() - begun;
    if (now > PATIENCE_MS) throw new Error("the window does not come");
    const dark = seen.get(0) ?? 0;
    const drawn = SAMPLES - dark;
    if (drawn > SAMPLES * 0.2) {
      if (Number.isNaN(found.shown)) found.shown = now;
      const [ground, white] = [seen.get(GROUND) ?? 0, seen.get(WHITE) ?? 0];
      if (white > drawn * 0.5 || ground < drawn * 0.2) found.unthemed += 1;
      if ((seen.get(ACCENT) ?? 0) > SAMPLES * 0.01) found.usable = now;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  program.kill("SIGTERM");
  await ended;
  await folder.remove();
  return found;
}

describe("the window", () => {
  it("appears, drawn and in its theme", async () => {
    const folder = await scratch();
    const screen = await display(folder.path);
    const starts: Start[] = [];
    try {
      for (let at = 0; at < STARTS; at += 1) starts.push(await start(screen));
    } finally {
      screen.process.kill();
      await folder.remove();
    }
    const usable = starts.map((each) => each.usable);
    const shown = starts.map((each) => each.shown);
    await report({
      name: `first start to a first screen that can be used: median of ${STARTS}`,
      value: quantile(usable, 0.5),
      unit: "ms",
      goal: USABLE_MAX_MS,
      note: `${Math.round(Math.min(...usable))} to ${Math.round(Math.max(...usable))} ms; the window is seen after ${Math.round(quantile(shown, 0.5))} ms`,
    });
    await report({
      name: `pictures that were white or without the theme, of those seen in ${STARTS} starts`,
      value: starts.reduce((all, each) => all + each.unthemed, 0),
      unit: "pictures",
      goal: 0,
    });
  });
});
