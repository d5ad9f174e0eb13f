import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterEach, expect } from "vitest";
import { Program, scratch } from "./program";

const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
/** Nothing that a person waits for takes this long, even on a slow machine with others at work. */
const PATIENCE_MS = 20_000;
const axeSource = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

let shared: Browser | undefined;

/** The system's Chromium, which must not talk to anybody: journeys also prove that the studio works offline. */
export async function browser(): Promise<Browser> {
  shared ??= await chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  return shared;
}

export async function closeBrowser(): Promise<void> {
  await shared?.close();
  shared = undefined;
}

export interface Look {
  theme?: "light" | "dark";
  language?: string;
  reducedMotion?: boolean;
  /** The size of the window in pixels of the page, and how many of the screen one of them takes. */
  viewport?: { width: number; height: number };
  scale?: number;
}

/** A `syncline serve` in a folder of its own, and a window on it. */
export class Studio {
  #program: Program;
  readonly #folder: Awaited<ReturnType<typeof scratch>>;
  #context: BrowserContext;
  page: Page;
  /** What went wrong in the window, and what it asked of others. Must stay empty. */
  readonly complaints: string[] = [];

  private constructor(program: Program, folder: Awaited<ReturnType<typeof scratch>>, context: BrowserContext, page: Page) {
    this.#program = program;
    this.#folder = folder;
    this.#context = context;
    this.page = page;
  }

  /** `prepare` may put something into the folder before the program starts. */
  static async open(look: Look = {}, prepare?: (folder: string) => Promise<void>): Promise<Studio> {
    const folder = await scratch();
    await prepare?.(folder.path);
    const { program, url } = await serve(folder.path);
    const context = await newContext(look);
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    const studio = new Studio(program, folder, context, page);
    studio.#watch();
    await page.goto(url);
    return studio;
  }

  get folder(): string {
    return this.#folder.path;
  }

  #watch(): void {
    this.page.on("pageerror", (error) => this.complaints.push(`page: ${error.message}`));
    this.page.on("console", (message) => {
      // A request that the engine refuses is logged by the browser; the screen shows it, and tests look there.
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
        this.complaints.push(`console: ${message.text()}`);
      }
    });
    this.page.on("request", (request) => {
      const { hostname, protocol } = new URL(request.url());
      if (protocol.startsWith("http") && hostname !== "127.0.0.1") this.complaints.push(`asked ${request.url()}`);
    });
  }

  /** Kills the program in the middle of whatever it does; the window stays. */
  async kill(): Promise<void> {
    await this.#program.kill();
  }

  /** Asks the program to end, as Ctrl-C does: it waits for a durable point, to which `meanwhile` leads. */
  async quit(meanwhile: () => Promise<void>): Promise<void> {
    const ended = this.#program.interrupt();
    await meanwhile();
    await ended;
  }

  /** Starts the program again in the same folder, and opens its new address in the window. */
  async startAgain(): Promise<void> {
    const { program, url } = await serve(this.folder);
    this.#program = program;
    await this.page.goto(url);
    // The window complained, rightly, that its engine was gone.
    this.complaints.length = 0;
  }

  /** No rule of WCAG 2.2 AA that a program can check is broken on this screen. */
  async expectAccessible(): Promise<void> {
    await this.page.evaluate(await readFile(axeSource, "utf8"));
    const broken = await this.page.evaluate(async () => {
      const { axe } = window as unknown as { axe: { run: (options: object) => Promise<AxeResult> } };
      const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
      const { violations } = await axe.run({ runOnly: { type: "tag", values: tags } });
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`);
    });
    expect(broken, `at ${this.page.url()}`).toEqual([]);
  }

  async close(): Promise<void> {
    await this.#context.close();
    await this.#program.kill();
    await this.#folder.remove();
  }
}

/** A picture of the window for each test that fails. Registers itself for the tests of the file. */
export function showFailures(studio: () => Studio | undefined): void {
  afterEach(async ({ task }) => {
    if (task.result?.state !== "fail") return;
    const path = join(tmpdir(), `syncline-failed-${task.name.replaceAll(/\W+/g, "-")}.png`);
    await studio()?.page.screenshot({ path });
    console.error(`The window when "${task.name}" failed: ${path}`);
  });
}

interface AxeResult {
  violations: { id: string; nodes: { html: string }[] }[];
}

async function serve(cwd: string): Promise<{ program: Program; url: string }> {
  const env = { ...process.env, SYNCLINE_MASTER_KEY: "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=" };
  const program = new Program("syncline", ["serve", "--no-open"], { cwd, env });
  for (;;) {
    const line = (await program.line()).trim();
    if (line.startsWith("http://")) return { program, url: line };
  }
}

async function newContext({ theme = "light", language = "en-US", reducedMotion = true, viewport = { width: 1280, height: 800 }, scale = 1 }: Look): Promise<BrowserContext> {
  return (await browser()).newContext({
    viewport,
    deviceScaleFactor: scale,
    colorScheme: theme,
    locale: language,
    reducedMotion: reducedMotion ? "reduce" : "no-preference",
  });
}
