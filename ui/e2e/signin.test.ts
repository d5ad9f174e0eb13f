import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { expectCrafted } from "./support/craft";
import { Program } from "./support/program";
import { focused, goTo } from "./support/steps";
import { closeBrowser, showFailures, Studio } from "./support/studio";

interface Service {
  url: string;
  manifest: string;
  client: string;
  secret: string;
  refresh_token: string;
}

/** Where pictures go; none are made without it. */
const pictures = process.env["SYNCLINE_SCREENSHOTS"];

let program: Program;
let service: Service;
let studio: Studio;
let page: Page;
beforeEach(async () => {
  program = new Program("testkit-authorization", []);
  service = JSON.parse(await program.line()) as Service;
  // The connectors of a project are read when it is opened.
  studio = await Studio.open({}, async (folder) => {
    const own = join(folder, "syncline-studio", "connectors", "tickets");
    await mkdir(own, { recursive: true });
    await writeFile(join(own, "manifest.yaml"), service.manifest);
  });
  page = studio.page;
});
afterEach(async () => {
  const complaints = [...studio.complaints];
  await studio.close();
  await program.close();
  expect(complaints).toEqual([]);
});
// The last to be named is the first to run: while the window is still there.
showFailures(() => studio);
afterAll(closeBrowser);

async function keep(name: string): Promise<void> {
  if (pictures) await page.screenshot({ path: join(pictures, `${name}.png`) });
}

/** Up to the button that leads into the browser. */
async function fillIn(): Promise<void> {
  await focused(page, page.getByRole("button", { name: "Try it with sample data" }));
  await goTo(page, "#/new");
  await focused(page, page.getByPlaceholder("Search, or paste a connection address"));
  await page.keyboard.type("tickets");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Sign in to Tickets in your browser" }).waitFor();
}

/** Goes to the service in a second tab, as a browser does that the studio opened. */
async function goToService(): Promise<Page> {
  const [tab] = await Promise.all([page.context().waitForEvent("page"), page.getByRole("button", { name: /^Sign in/ }).click()]);
  await tab.getByRole("heading", { name: "Tickets" }).waitFor();
  await page.getByText("Waiting for you in the browser").waitFor();
  return tab;
}

async function nameClient(): Promise<void> {
  await page.getByLabel("Client ID").fill(service.client);
  await page.getByLabel("Client secret").fill(service.secret);
}

describe("somebody who signs in with the browser", () => {
  it("agrees there, and no token is ever seen", async () => {
    await fillIn();
    const begin = page.getByRole("button", { name: /^Sign in/ });
    // It says why it does nothing yet.
    await begin.hover();
    await page.getByText("Fill in first: Client ID, Client secret").waitFor();
    await nameClient();
    const tab = await goToService();
    for (const way of ["Open again", "Copy link", "Enter a code instead", "Cancel"]) {
      await page.getByRole("button", { name: way }).waitFor();
    }
    await page.getByText("tickets:read").waitFor();
    await keep("sign-in-waiting");
    await studio.expectAccessible();
    await expectCrafted(page);
    await tab.getByRole("link", { name: "Allow" }).click();
    await tab.getByText("You can close this tab").waitFor();
    await page.getByText("Signed in to Tickets").waitFor();
    await keep("sign-in-done");
    await page.getByRole("button", { name: "Test" }).click();
    await page.getByText(/^Ready/).waitFor();
    await page.getByRole("button", { name: /Save and continue/ }).click();
    await page.getByRole("heading", { name: "Where should it go?" }).waitFor();
    // Stored, and sealed: the settings hold a reference, and no file of the project the token itself.
    const files = await texts(studio.folder);
    expect(files.some((text) => text.includes("${secret:source_tickets_credentials_refresh_token}"))).toBe(true);
    expect(files.filter((text) => text.includes(service.refresh_token))).toEqual([]);
    expect(await page.content()).not.toContain(service.refresh_token);
  });

  it("changes its mind there, and is told so", async () => {
    await fillIn();
    await nameClient();
    const tab = await goToService();
    await tab.getByRole("link", { name: "Deny" }).click();
    await tab.getByText("You are not signed in").waitFor();
    await page.getByText("You chose not to allow it at Tickets").waitFor();
    await keep("sign-in-denied");
    await studio.expectAccessible();
    // The way is open for another try, and for the test of what is there.
    const again = await goToService();
    await again.getByRole("link", { name: "Allow" }).click();
    await page.getByText("Signed in to Tickets").waitFor();
  });

  it("brings the code by hand when the browser cannot come back", async () => {
    await fillIn();
    await nameClient();
    const tab = await goToService();
    // The page that the service would send the browser to, as it stands in the address bar of another computer.
    const link = (await tab.getByRole("link", { name: "Allow" }).getAttribute("href")) ?? "";
    const answer = await fetch(new URL(link, service.url), { redirect: "manual" });
    const address = answer.headers.get("location") ?? "";
    expect(address).toContain("code=");
    await page.getByRole("button", { name: "Enter a code instead" }).click();
    await page.getByLabel("Code", { exact: true }).fill("http://127.0.0.1:1/?code=x&state=other");
    await page.keyboard.press("Enter");
    await page.getByText("This address belongs to another sign-in.").waitFor();
    await page.getByLabel("Code", { exact: true }).fill(address);
    await page.keyboard.press("Enter");
    await page.getByText("Signed in to Tickets").waitFor();
  });

  it("leaves it be", async () => {
    await fillIn();
    await nameClient();
    const tab = await goToService();
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("button", { name: "Sign in to Tickets in your browser" }).waitFor();
    // Who comes back now finds nobody.
    await tab.getByRole("link", { name: "Allow" }).click().catch(() => undefined);
    await tab.waitForURL(/chrome-error|127\.0\.0\.1/);
    expect(await page.getByText("Signed in to Tickets").count()).toBe(0);
  });
});

/** All files below a folder, as text. */
async function texts(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return Promise.all(entries.filter((entry) => entry.isFile()).map((entry) => readFile(join(entry.parentPath, entry.name), "latin1")));
}
