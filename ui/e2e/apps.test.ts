import { mkdir } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask, focused, goTo, openPlan, syncAgain } from "./support/steps";
import { closeBrowser, showFailures, Studio } from "./support/studio";

/** Where pictures go (`cargo xtask screenshots`); none are made without it. */
const pictures = process.env["SYNCLINE_SCREENSHOTS"];

interface Issue {
  id: number;
  title: string;
  updated_at: string;
}

/** A GitLab of one project, whose issues come two a page. */
class GitLab {
  readonly issues: Issue[] = [1, 2, 3].map((id) => ({ id, title: `Issue ${id}`, updated_at: `2026-01-0${id}T08:00:00.000Z` }));
  /** What issues were asked for, each as the time after which they changed. */
  readonly asked: (string | null)[] = [];
  /** Requests for issues that are still refused because there were too many, and what is said of the time to wait. */
  refusals = 0;
  readonly refusedFor = 4;
  /** Whether it hangs up on everybody. */
  away = false;
  private readonly server: Server = createServer((request, response) => this.answer(request, response));

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    if (this.away) {
      request.socket.destroy();
      return;
    }
    const url = new URL(request.url ?? "/", `http://${request.headers.host}`);
    const say = (status: number, body: unknown, headers: Record<string, string> = {}): void => {
      response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
    };
    if (request.headers.authorization !== "Bearer glpat-right") return say(401, { message: "401 Unauthorized" });
    if (url.pathname === "/api/v4/projects/shop%2Ftill") return say(200, { id: 7, path_with_namespace: "shop/till" });
    if (url.pathname !== "/api/v4/projects/shop%2Ftill/issues") return say(200, []);
    if (this.refusals > 0) {
      this.refusals -= 1;
      return say(429, { message: "Retry later" }, { "retry-after": String(this.refusedFor) });
    }
    const after = url.searchParams.get("updated_after");
    const page = Number(url.searchParams.get("page") ?? 1);
    if (page === 1) this.asked.push(after);
    const found = this.issues.filter((issue) => after === null || issue.updated_at >= after);
    const next = new URL(url);
    next.searchParams.set("page", String(page + 1));
    say(200, found.slice(page * 2 - 2, page * 2), page * 2 < found.length ? { link: `<${next.href}>; rel="next"` } : {});
  }
}

afterAll(closeBrowser);

describe("an analyst with a service", () => {
  const gitlab = new GitLab();
  let studio: Studio;
  let address: string;
  showFailures(() => studio);
  beforeAll(async () => {
    address = await gitlab.start();
    studio = await Studio.open();
  });
  afterAll(async () => {
    const complaints = [...(studio?.complaints ?? [])];
    await studio?.close();
    await gitlab.stop();
    expect(complaints).toEqual([]);
  });

  it("sees the services under their heading, each with its drawing", async () => {
    const { page } = studio;
    await page.getByRole("button", { name: "Connect your own data" }).click();
    await page.getByRole("heading", { name: "Apps", exact: true }).waitFor();
    await page.getByRole("heading", { name: "Databases", exact: true }).waitFor();
    const drawing = page.getByRole("button", { name: /^Stripe/ }).locator("img");
    await drawing.waitFor();
    expect(await drawing.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
    await studio.expectAccessible();
  });

  it("chooses a way to sign in, and sees only what belongs to it", async () => {
    const { page } = studio;
    const search = page.getByPlaceholder("Search, or paste a connection address");
    await focused(page, search);
    await page.keyboard.type("sfdc");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Salesforce" }).waitFor();
    await page.getByLabel("Consumer key").first().waitFor();
    expect(await page.getByLabel("Refresh token").count()).toBe(0);
    await page.getByLabel("Sign in with").first().click();
    await page.getByRole("option", { name: "User (refresh token)" }).click();
    await page.getByLabel("Refresh token").first().waitFor();
    await page.getByRole("button", { name: "Choose another" }).click();
  });

  it("is told what is wrong with the token, then signs in", async () => {
    const { page } = studio;
    const search = page.getByPlaceholder("Search, or paste a connection address");
    await search.fill("gitlab");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "GitLab" }).waitFor();
    await page.getByLabel("Access token").first().fill("glpat-wrong");
    await page.getByLabel("Projects").first().fill("shop/till");
    await page.getByLabel("Server").first().fill(address);
    await page.getByRole("button", { name: "Test", exact: true }).click();
    await page.getByText(/GitLab does not accept the access token/).first().waitFor();
    await page.getByLabel("Access token").first().fill("glpat-right");
    await page.getByRole("button", { name: /^Test/ }).click();
    await page.getByText(/^Ready/).waitFor();
    await page.getByRole("button", { name: /Save and continue|Continue with limits/ }).click();
  });

  it("previews rows and syncs them", async () => {
    const { page } = studio;
    await page.getByRole("heading", { name: "Where should it go?" }).waitFor();
    await focused(page, page.getByPlaceholder("Search, or paste a connection address"));
    await page.keyboard.type("duck");
    await page.keyboard.press("Enter");
    await page.getByLabel(/^(Path|File)/).first().fill("warehouse.duckdb");
    await page.getByRole("button", { name: "Test", exact: true }).click();
    await page.getByRole("button", { name: /Save and continue|Continue with limits/ }).click();
    await page.getByRole("treegrid", { name: "Tables" }).getByRole("checkbox", { name: "Sync issues" }).check();
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByLabel("Name of the connection").fill("till");
    await page.getByRole("button", { name: "Save and see the plan" }).click();
    await page.getByRole("heading", { name: /Plan for till|This will create/ }).waitFor();
    await goTo(page, "#/connections/till/preview");
    await page.getByRole("gridcell", { name: "Issue 1", exact: true }).waitFor();
    await syncAgain(page, "till");
    expect(await ask(page, "select count(*), max(title) from issues")).toEqual(["3", "Issue 3"]);
  });

  it("reads only what changed the second time", async () => {
    const { page } = studio;
    gitlab.issues.push({ id: 4, title: "Issue 4", updated_at: "2026-01-05T08:00:00.000Z" });
    await syncAgain(page, "till");
    expect(await ask(page, "select count(*), max(title) from issues")).toEqual(["4", "Issue 4"]);
    expect(gitlab.asked.at(-1)).toBe("2026-01-03T08:00:00.000Z");
  });

  it("reads that the service makes it wait, and that it goes on by itself", async () => {
    const { page } = studio;
    gitlab.refusals = 1;
    gitlab.issues.push({ id: 5, title: "Issue 5", updated_at: "2026-01-06T08:00:00.000Z" });
    await startAgain(page);
    await page.getByRole("status").getByText(/^issues waits: .*It goes on by itself\.$/).waitFor();
    await look("run-rate-limited");
    await page.getByRole("status").getByText("Every row accounted for.").waitFor();
    expect(await ask(page, "select count(*), max(title) from issues")).toEqual(["5", "Issue 5"]);
  });

  it("is told whether the service or its own network is away, and goes on when it is back", async () => {
    const { page } = studio;
    gitlab.away = true;
    gitlab.issues.push({ id: 6, title: "Issue 6", updated_at: "2026-01-07T08:00:00.000Z" });
    await startAgain(page);
    await page.getByText(/Trying again in \d+ s/).waitFor();
    expect(await page.getByText("This computer has no network.").count()).toBe(0);
    await look("run-unreachable");
    // What the browser says; the page itself comes from this computer, so its connection stays.
    const network = (there: boolean) =>
      page.evaluate((value) => {
        Object.defineProperty(navigator, "onLine", { value, configurable: true });
        window.dispatchEvent(new Event(value ? "online" : "offline"));
      }, there);
    await network(false);
    await page.getByText("This computer has no network.").waitFor();
    await look("run-offline");
    await network(true);
    await page.getByText("This computer has no network.").waitFor({ state: "hidden" });
    gitlab.away = false;
    const done = page.getByRole("status").getByText("Every row accounted for.");
    const now = page.getByRole("button", { name: "Try again now" });
    await done.or(now).first().waitFor();
    if (await now.isVisible()) await now.click({ timeout: 2_000 }).catch(() => undefined);
    await done.waitFor();
    expect(await ask(page, "select count(*), max(title) from issues")).toEqual(["6", "Issue 6"]);
  });

  async function startAgain(page: Page): Promise<void> {
    await openPlan(page, "till");
    await page.getByRole("button", { name: /^Apply/ }).click();
  }

  async function look(name: string): Promise<void> {
    await studio.expectAccessible();
    if (!pictures) return;
    await mkdir(pictures, { recursive: true });
    await studio.page.screenshot({ path: join(pictures, `${name}.png`) });
  }
});
