import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { Api, description, pageOf, tickets, withComments } from "./support/api";
import { ask, focused, goTo, syncAgain } from "./support/steps";
import { closeBrowser, showFailures, Studio } from "./support/studio";

const KEY = "k3y-of-acme";
/** Where pictures go, when somebody wants to look at them. */
const pictures = process.env["SYNCLINE_PICTURES"];

afterAll(closeBrowser);

async function look(page: Page, name: string): Promise<void> {
  if (!pictures) return;
  await mkdir(pictures, { recursive: true });
  for (const theme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: theme });
    await page.screenshot({ path: join(pictures, `${name}-${theme}.png`), animations: "disabled" });
  }
  await page.emulateMedia({ colorScheme: "light" });
}

/** Sends the request of the table that is shown, and waits for what came. */
async function send(page: Page): Promise<void> {
  const answered = page.waitForResponse((response) => response.url().endsWith("/rpc/builder.trial"));
  await page.keyboard.press("ControlOrMeta+Enter");
  await answered;
}

/** From the catalogue to rows in a DuckDB file. */
async function connectAndSync(page: Page, connector: string, secrets: Record<string, string>, name: string): Promise<void> {
  await page.getByRole("searchbox").fill(connector);
  await page.getByRole("button", { name: "Built by you" }).click();
  await page.getByRole("listitem").getByRole("button", { name: new RegExp(`^${connector.replaceAll("-", " ")}`, "i") }).click();
  for (const [label, value] of Object.entries(secrets)) await page.getByLabel(label, { exact: true }).fill(value);
  await page.getByRole("button", { name: "Test", exact: false }).first().click();
  await page.getByText(/^Ready/).waitFor();
  await page.keyboard.press("ControlOrMeta+Enter");
  await page.getByRole("heading", { name: "Where should it go?" }).waitFor();
  await page.getByRole("searchbox").fill("duckdb");
  await page.getByRole("listitem").getByRole("button", { name: /^DuckDB/ }).click();
  await page.getByLabel("Path", { exact: true }).fill("built.duckdb");
  await page.getByRole("button", { name: "Test", exact: false }).first().click();
  await page.getByText(/^Ready/).waitFor();
  await page.keyboard.press("ControlOrMeta+Enter");
  await page.getByRole("treegrid", { name: "Tables" }).waitFor();
  await page.getByRole("treegrid", { name: "Tables" }).focus();
  await page.keyboard.press("Space");
  await page.getByText(/1 of 1 tables/).waitFor();
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByLabel("Name of the connection").fill(name);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: /^This will create 1 table/ }).waitFor();
  await page.getByRole("button", { name: /^Apply/ }).click();
  await page.getByText("Every row accounted for.").waitFor();
}

/** Confirms what is open, and keeps the connector. */
async function save(page: Page, name: string): Promise<void> {
  await page.getByRole("textbox", { name: "Name of the connector" }).fill(name);
  const confirm = page.getByRole("button", { name: "Confirm all" });
  if (await confirm.isVisible()) await confirm.click();
  await page.getByRole("button", { name: "Check and save…" }).click();
  const dialog = page.getByRole("dialog", { name: "Check list" });
  await dialog.getByLabel("What it reads").fill("Tickets of Acme");
  expect(await dialog.locator('li[data-done="false"]').allTextContents()).toEqual([]);
  await dialog.getByRole("button", { name: "Save the connector" }).click();
  await page.getByText(`${name} is in the catalogue`).waitFor();
}

let studio: Studio | undefined;
let api: Api | undefined;
afterEach(async () => {
  const complaints = [...(studio?.complaints ?? [])];
  await studio?.close();
  await api?.close();
  studio = undefined;
  api = undefined;
  expect(complaints).toEqual([]);
});
// Hooks that are said last come first: the picture is taken while there is a window.
showFailures(() => studio);

describe("somebody with the description of an API", () => {
  const rows = tickets(230);

  it("has synced rows of it, by a paginated request with a key", async () => {
    api = await Api.start((path, query, request) => {
      if (path === "/openapi.json") return { body: description(api?.url ?? "") };
      if (request.headers["x-api-key"] !== KEY) return { status: 401, body: { message: "Who are you?" } };
      if (path !== "/v2/tickets") return { status: 404, body: {} };
      return { body: { data: pageOf(rows, query, "updated_since") }, headers: { "x-ratelimit-remaining": "941" } };
    });
    studio = await Studio.open();
    const { page } = studio;
    await focused(page, page.getByRole("button", { name: "Try it with sample data" }));
    await page.keyboard.press("ControlOrMeta+5");
    const begun = Date.now();
    await page.getByRole("heading", { name: "Builder" }).waitFor();
    await page.getByRole("button", { name: "Use Help desk" }).waitFor();
    await look(page, "1-entry");
    await studio.expectAccessible();
    await page.getByLabel("Address", { exact: true }).fill(`${api.url}/openapi.json`);
    await page.getByRole("button", { name: "Read it" }).click();
    await page.getByRole("heading", { name: "Which of them become tables?" }).waitFor();
    expect(await page.getByRole("checkbox", { name: "tickets" }).isChecked()).toBe(true);
    expect(await page.getByRole("checkbox", { name: "status" }).isChecked()).toBe(false);
    await look(page, "2-operations");
    await studio.expectAccessible();
    await page.getByRole("button", { name: "Make 1 table" }).click();

    // Each guess shows its evidence.
    await page.getByText("guessed from the parameters page, per_page").waitFor();
    await page.getByText("guessed from the description: 200: data[]").waitFor();

    // Without a key: the place, the header that was sent, and what to do.
    await page.getByRole("button", { name: "Sign-in", exact: false }).first().click();
    await page.getByText("guessed from the description: securitySchemes.key").waitFor();
    await page.getByLabel("API key", { exact: true }).fill("wrong");
    await send(page);
    await page.getByText("401: the API wants a sign-in. Sent: x-api-key: ••••").waitFor();
    await page.getByText("Check the key in the settings, and where it is sent.").waitFor();
    await look(page, "3-not-signed-in");
    await page.getByLabel("API key", { exact: true }).fill(KEY);
    await send(page);
    await page.getByRole("status").getByText("100 rows").first().waitFor();
    await page.getByRole("tab", { name: /^Rows/ }).click();
    await page.getByRole("gridcell", { name: "Ticket 0", exact: true }).waitFor();
    expect(Date.now() - begun).toBeLessThan(180_000);

    // The second page was asked for, and newer rows were asked for.
    await page.getByRole("button", { name: /^tickets/ }).click();
    await page.getByText("3 pages were asked for, and each is different.").waitFor();
    await page.getByRole("button", { name: "Prove new rows (2 runs)" }).click();
    await page.getByText(/of 230 rows came, none older/).waitFor();
    expect(api.asked.some(({ query }) => query.get("page") === "2")).toBe(true);
    await look(page, "4-proved");
    await studio.expectAccessible();
    await page.getByRole("tab", { name: "Lands as" }).click();
    await page.getByRole("cell", { name: "timestamptz" }).waitFor();
    expect(await page.content()).not.toContain(KEY);

    // Once more from the recording: nothing is asked.
    const asked = api.asked.length;
    await page.getByRole("checkbox", { name: "from the recording" }).check();
    await send(page);
    await page.getByText("recorded, nothing was sent").waitFor();
    expect(api.asked.length).toBe(asked);

    await save(page, "acme-tickets");
    await connectAndSync(page, "acme-tickets", { "API key": KEY }, "acme");
    expect(await ask(page, "select count(*), count(distinct id), min(subject) from tickets")).toEqual(["230", "230", "Ticket 0"]);

    // A next version shows what changes, and who uses it.
    await goTo(page, "#/builder?connector=acme-tickets");
    await page.getByRole("button", { name: /^tickets/ }).click();
    await page.getByLabel("Size", { exact: true }).fill("50");
    await page.getByRole("button", { name: "Check and save…" }).click();
    const dialog = page.getByRole("dialog", { name: "Check list" });
    await dialog.getByText("Used by acme-tickets.", { exact: false }).waitFor();
    await dialog.getByRole("textbox", { name: "What changes" }).getByText("page_size: 50").waitFor();
    await look(page, "4b-next-version");
    await studio.expectAccessible();
    await dialog.getByRole("button", { name: "Save as the next version" }).click();
    // It stands beside the one in use, which stays until the plan is applied.
    await page.getByText("Version 1 of acme-tickets is kept beside the others").waitFor();
    await look(page, "4c-upgrade");
    await studio.expectAccessible();
  });
});

describe("somebody who wants what hangs on each row of another table", () => {
  it("is told how many requests that will be, and from what that is known", async () => {
    const rows = tickets(12);
    api = await Api.start((path, query, request) => {
      if (path === "/openapi.json") return { body: withComments(description(api?.url ?? "")) };
      if (request.headers["x-api-key"] !== KEY) return { status: 401, body: { message: "Who are you?" } };
      const ticket = /^\/v2\/tickets\/(\d+)\/comments$/.exec(path)?.[1];
      if (ticket) return { body: { data: [{ id: Number(ticket) * 10, text: "Hello" }] } };
      if (path !== "/v2/tickets") return { status: 404, body: {} };
      return { body: { data: pageOf(rows, query, "updated_since") } };
    });
    studio = await Studio.open();
    const { page } = studio;
    await focused(page, page.getByRole("button", { name: "Try it with sample data" }));
    await goTo(page, "#/builder");
    await page.getByLabel("Address", { exact: true }).fill(`${api.url}/openapi.json`);
    await page.getByRole("button", { name: "Read it" }).click();
    await page.getByText("a list for each row of tickets").waitFor();
    await page.getByRole("checkbox", { name: /comments/ }).check();
    await page.getByRole("button", { name: "Make 2 tables" }).click();
    await page.getByRole("button", { name: /^Sign-in/ }).click();
    await page.getByLabel("API key", { exact: true }).fill(KEY);
    await page.getByRole("button", { name: /comments/ }).click();
    await page.getByText(/^Each row of tickets makes at least one request/).waitFor();
    await send(page);
    await page.getByText(/^There will be (about|at least) \d+ requests/).waitFor();
    await studio.expectAccessible();
    // The other table's own test knows how many rows there are.
    await page.getByRole("button", { name: /^tickets/ }).first().click();
    await send(page);
    await page.getByRole("button", { name: /comments/ }).click();
    await page.getByText(/^There will be about 13 requests/).waitFor();
    await page.getByText(/12 rows of tickets on 1 page, times 1 for each/).waitFor();
    await look(page, "4d-requests");
  });
});

describe("somebody with nothing but an answer", () => {
  it("clicks rows, key and time together, and has an incremental table", async () => {
    const rows = tickets(45);
    api = await Api.start((path, query) => {
      if (path !== "/api/v1/changes") return { status: 404, body: {} };
      const newer = rows.filter(({ updated_at }) => updated_at >= (query.get("since") ?? ""));
      const from = Number(query.get("from") ?? 0);
      const next = from + 20 < newer.length ? `${api?.url}/api/v1/changes?from=${from + 20}${query.has("since") ? `&since=${query.get("since")}` : ""}` : null;
      return { body: { status: { warnings: [{ code: 7 }] }, found: { list: newer.slice(from, from + 20) }, links: { next } } };
    });
    studio = await Studio.open();
    const { page } = studio;
    await focused(page, page.getByRole("button", { name: "Try it with sample data" }));
    await goTo(page, "#/builder");
    await page.getByRole("button", { name: /^From a sample response/ }).click();
    const answer = await (await fetch(`${api.url}/api/v1/changes`)).text();
    await page.getByLabel("Address of the request").fill(`${api.url}/api/v1/changes`);
    await page.getByLabel("Response (JSON)").fill(answer);
    await page.getByRole("button", { name: "Make a table of it" }).click();

    const tree = page.getByRole("tree", { name: "Response" });
    await tree.waitFor();
    await page.getByText(/guessed: .* rows, the likeliest of 2 arrays/).waitFor();
    await page.getByText("guessed: the answer has links.next").waitFor();
    await look(page, "5-sample");
    await studio.expectAccessible();

    // Rows, key and time by clicking.
    await tree.getByRole("treeitem", { name: /^list:/ }).click();
    await page.getByRole("button", { name: "Rows are here" }).click();
    await tree.getByRole("treeitem", { name: /^list:/ }).click();
    await tree.getByRole("treeitem", { name: /^id:/ }).first().click();
    await page.getByRole("button", { name: "Use as key" }).click();
    await tree.getByRole("treeitem", { name: /^updated_at:/ }).first().click();
    await page.getByRole("button", { name: "Use as updated-at" }).click();
    await page.getByLabel("Parameter that asks for newer rows").fill("since");
    await send(page);
    await page.getByText("3 pages were asked for, and each is different.").waitFor();
    await page.getByText("id is unique in 45 rows.").waitFor();
    await page.getByRole("button", { name: "Answer 2 of 3" }).click();
    await page.getByRole("button", { name: "Prove new rows (2 runs)" }).click();
    await page.getByText(/of 45 rows came, none older/).waitFor();
    await look(page, "6-incremental");

    await save(page, "changes");
    await connectAndSync(page, "changes", {}, "changed");
    expect(await ask(page, "select count(*) from changes")).toEqual(["45"]);
    // What comes later is all that is asked for.
    rows.push({ id: 5000, subject: "new", updated_at: "2026-02-01T00:00:00Z" });
    const before = api.asked.length;
    await syncAgain(page, "changed");
    expect(await ask(page, "select count(*) from changes")).toEqual(["46"]);
    expect(api.asked.slice(before).every(({ query }) => (query.get("since") ?? "") > "2026-01-01")).toBe(true);
  });
});

describe("somebody whose description is wrong", () => {
  it("sees the guess fail at its field, corrects it, and has it proved", async () => {
    const rows = tickets(60);
    api = await Api.start((path, query) => {
      if (path === "/v2/tickets") return { body: { results: pageOf(rows, query, "none") } };
      if (path === "/page/tickets") return { body: "<!doctype html><html><body>Hello</body></html>", type: "text/html" };
      return { status: 404, body: {} };
    });
    studio = await Studio.open();
    const { page } = studio;
    await focused(page, page.getByRole("button", { name: "Try it with sample data" }));
    await goTo(page, "#/builder");
    const area = page.getByLabel("Or paste the text");

    // What cannot be read names its line.
    await area.fill('{"openapi": "3.1.0",\n "paths": oops}');
    await page.getByRole("button", { name: "Read it" }).click();
    await page.getByText(/The description is no JSON: line 2/).waitFor();
    await look(page, "7-bad-description");

    const wrong = JSON.stringify(description(api.url)).replace('"/status"', '"/broken"').replace("X-Api-Key", "X-Key");
    await area.fill(wrong);
    await page.getByRole("button", { name: "Read it" }).click();
    await page.getByRole("button", { name: "Make 1 table" }).click();
    await page.getByRole("button", { name: /^Sign-in/ }).click();
    await page.getByRole("radio", { name: "not at all" }).check();
    await page.getByRole("button", { name: /^tickets/ }).click();
    await send(page);
    const rowsField = page.locator('[data-slot="rows"]');
    await rowsField.getByText("200, but no rows at data[]; there is an array at results[].").waitFor();
    await look(page, "8-wrong-guess");
    await page.setViewportSize({ width: 960, height: 640 });
    await look(page, "8b-narrow");
    await page.setViewportSize({ width: 1280, height: 800 });
    await studio.expectAccessible();
    // F8 leads to the field.
    await page.keyboard.press("F8");
    await rowsField.getByRole("button", { name: "Use results[]" }).click();
    await send(page);
    await rowsField.getByText("60 rows came.").waitFor();
    await page.locator('[data-slot="key"]').getByText("id is unique in 60 rows.").waitFor();

    // The filter is a guess, too: the API ignores it, and two runs show that.
    await page.getByRole("button", { name: "Prove new rows (2 runs)" }).click();
    const newer = page.locator('[data-slot="incremental"]');
    await newer.getByText(/the API ignores updated_since/).waitFor();
    await newer.getByLabel("Parameter that asks for newer rows").fill("");
    await page.getByRole("button", { name: "Prove new rows (2 runs)" }).click();
    await newer.getByText(/of 60 rows came, none older/).waitFor();

    // A web page instead of data, and the field that causes it.
    await page.getByRole("button", { name: /^Connection/ }).click();
    await page.getByLabel("Address of the API").fill(`${api.url}/page`);
    await send(page);
    await page.getByText(/A web page came, not data/).waitFor();
    await look(page, "9-web-page");

    // The text is the other side of the form: what is changed there shows here.
    await page.getByLabel("Address of the API").fill(`${api.url}/v2`);
    await page.getByRole("button", { name: "YAML", exact: true }).click();
    await page.getByRole("textbox", { name: "YAML" }).getByText("results", { exact: false }).first().waitFor();
    await look(page, "10-yaml");
    await page.getByRole("button", { name: "Form", exact: true }).click();
    await page.getByRole("button", { name: /^tickets/ }).click();
    await send(page);
    await rowsField.getByText("60 rows came.").waitFor();
  });

  it("finds the builder and its practice APIs in German and in the dark, and drops a manifest into the catalogue", async () => {
    studio = await Studio.open({ theme: "dark", language: "de-DE" });
    const { page } = studio;
    await focused(page, page.getByRole("button", { name: "Mit Beispieldaten ausprobieren" }));
    await goTo(page, "#/builder");
    await page.getByRole("button", { name: "Wetterstationen verwenden" }).click();
    await page.getByRole("button", { name: "Eine Tabelle daraus machen" }).click();
    await page.getByText("vermutet: Die Antwort hat links.next").waitFor();
    await send(page);
    await page.getByText("4 Seiten wurden verlangt, und jede ist anders.").waitFor();
    await studio.expectAccessible();
    await look(page, "11-practice-de");
    await goTo(page, "#/new");
    await page.getByText("Eine Konnektor-Datei (.yaml) hierher ziehen").waitFor();
    const transfer = await page.evaluateHandle(() => {
      const data = new DataTransfer();
      const yaml = [
        "version: 6.0.0",
        "type: DeclarativeSource",
        "check: {type: CheckStream, stream_names: [a]}",
        "streams:",
        "  - type: DeclarativeStream",
        "    name: a",
        "    retriever:",
        "      type: SimpleRetriever",
        "      requester: {type: HttpRequester, url_base: 'https://a.test', path: /a}",
        "      record_selector: {type: RecordSelector, extractor: {type: DpathExtractor, field_path: []}}",
      ];
      data.items.add(new File([yaml.join("\n")], "source-dropped.yaml"));
      return data;
    });
    await page.getByText("Eine Konnektor-Datei (.yaml) hierher ziehen").dispatchEvent("drop", { dataTransfer: transfer });
    await page.getByRole("button", { name: "Hinzufügen", exact: true }).click();
    await page.getByRole("button", { name: /^Von Airbyte/ }).click();
    await page.getByRole("button", { name: /^Dropped/ }).waitFor();
    await studio.expectAccessible();
    await look(page, "12-catalogue-de");
    await page.getByRole("searchbox").fill("https://api.example.test/openapi.json");
    await page.getByText("Aus dieser API einen Konnektor machen").waitFor();
    await page.getByRole("searchbox").fill("netsuite");
    await page.getByRole("button", { name: "Aus der API selbst machen" }).waitFor();
  });
});
