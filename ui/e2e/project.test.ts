import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { expectCrafted } from "./support/craft";
import { focused, syncSample } from "./support/steps";
import { closeBrowser, showFailures, Studio } from "./support/studio";

let studio: Studio | undefined;
afterEach(async () => {
  const complaints = [...(studio?.complaints ?? [])];
  await studio?.close();
  studio = undefined;
  expect(complaints).toEqual([]);
});
// The last to be named is the first to run: while the window is still there.
showFailures(() => studio);
afterAll(closeBrowser);

const PROJECT = "name: Elsewhere\nid: elsewhere-0123456789abcdef\nsalt: 0123456789abcdef0123456789abcdef\n";

describe("somebody with a project", () => {
  it("opens it from the first screen, and it is the one that works from then on", async () => {
    studio = await Studio.open();
    const { page, folder } = studio;
    const other = join(folder, "elsewhere");
    await mkdir(other);
    await focused(page, page.getByRole("button", { name: "Try it with sample data" }));
    expect(await page.getByRole("heading").count()).toBe(1);
    expect(await page.getByRole("main").getByRole("button").count()).toBe(3);
    expect(await page.getByRole("textbox").count(), "no field for an address or an account").toBe(0);
    await page.keyboard.press("3");
    const dialog = page.getByRole("dialog", { name: "Open another project" });
    await focused(page, dialog.getByLabel("Folder of the project"));
    await studio.expectAccessible();
    await expectCrafted(page);
    await page.keyboard.type(other);
    await page.keyboard.press("Enter");
    await dialog.getByText("is not a Syncline project").waitFor();
    await writeFile(join(other, "project.yaml"), PROJECT);
    // The file is as good as its folder.
    await page.keyboard.type("/project.yaml");
    await page.keyboard.press("Enter");
    await dialog.waitFor({ state: "detached" });
    await syncSample(page);
    expect(await readdir(other)).toContain("studio.duckdb");
    const logs = join(other, ".syncline", "logs");
    const log = (await readdir(logs)).find((name) => name.endsWith(".jsonl")) ?? "";
    expect(await readFile(join(logs, log), "utf8")).toContain("another project is open");
    await page.getByRole("tab", { name: "Log" }).click();
    await page.getByText(/is durable/).first().waitFor();
  });
});
