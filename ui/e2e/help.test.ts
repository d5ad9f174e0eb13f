import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { type Answer, Api, pageOf, tickets } from "./support/api";
import { focused, goTo } from "./support/steps";
import { closeBrowser, showFailures, Studio } from "./support/studio";

const KEY = "k3y-of-acme";
const MODEL_KEY = "k3y-of-the-model";
/** Where pictures go, when somebody wants to look at them. */
const pictures = process.env["SYNCLINE_PICTURES"];

let studio: Studio | undefined;
let api: Api | undefined;
let model: Api | undefined;

afterAll(closeBrowser);
afterEach(async () => {
  const complaints = [...(studio?.complaints ?? [])];
  await studio?.close();
  await api?.close();
  await model?.close();
  studio = api = model = undefined;
  expect(complaints).toEqual([]);
});
showFailures(() => studio);

async function look(page: Page, name: string): Promise<void> {
  if (!pictures) return;
  await mkdir(pictures, { recursive: true });
  for (const theme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: theme });
    await page.screenshot({ path: join(pictures, `help-${name}-${theme}.png`), animations: "disabled" });
  }
  await page.emulateMedia({ colorScheme: "light" });
}

/** A model says a manifest. */
function says(content: string): Answer {
  return { body: { choices: [{ message: { role: "assistant", content } }] } };
}

function block(yaml: string): string {
  return `Here it is.\n\n\`\`\`yaml\n${yaml}\`\`\`\n`;
}

function draft(url: string, rows: string): string {
  return `version: 6.44.0
type: DeclarativeSource
check: {type: CheckStream, stream_names: [tickets]}
definitions:
  requester:
    type: HttpRequester
    url_base: ${url}/v2
    authenticator:
      type: ApiKeyAuthenticator
      api_token: "{{ config['api_key'] }}"
      inject_into: {type: RequestOption, inject_into: header, field_name: X-Api-Key}
  streams:
    tickets:
      type: DeclarativeStream
      name: tickets
      primary_key: [id]
      retriever:
        type: SimpleRetriever
        requester: {$ref: "#/definitions/requester", path: /tickets}
        record_selector: {type: RecordSelector, extractor: {type: DpathExtractor, field_path: [${rows}]}}
        paginator:
          type: DefaultPaginator
          page_token_option: {type: RequestOption, inject_into: request_parameter, field_name: page}
          page_size_option: {type: RequestOption, inject_into: request_parameter, field_name: per_page}
          pagination_strategy: {type: PageIncrement, page_size: 20, start_from_page: 1}
streams:
  - $ref: "#/definitions/streams/tickets"
spec:
  type: Spec
  connection_specification:
    type: object
    required: [api_key]
    properties:
      api_key: {type: string, title: API key, airbyte_secret: true}
`;
}

async function save(page: Page, url: string, key: string): Promise<void> {
  await goTo(page, "#/settings");
  await page.getByLabel("Address of the model").fill(url);
  await page.getByLabel("Name of the model").fill("stand-in");
  await page.getByLabel(/^Key/).fill(key);
  await page.getByRole("button", { name: "Save the model" }).click();
  await page.getByText("The builder can ask this model now").waitFor();
}

/** Everything that lies in a folder. */
async function filesOf(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const texts = await Promise.all(files.map((file) => readFile(join(file.parentPath, file.name), "latin1")));
  return texts.join("\n");
}

describe("somebody who lets a language model help", () => {
  it("sees what is sent, and has a draft that requests have proved", async () => {
    const rows = tickets(50);
    api = await Api.start((path, query, request) => {
      if (request.headers["x-api-key"] !== KEY) return { status: 401, body: { message: "Who are you?" } };
      return path === "/v2/tickets" ? { body: { data: pageOf(rows, query, "none") } } : { status: 404, body: {} };
    });
    const queue: (Answer | null)[] = [null, says("I am only a language model."), says(block(draft(api.url, "results"))), says(block(draft(api.url, "data")))];
    model = await Api.start((path, _query, request) => {
      if (path !== "/v1/chat/completions") return { status: 404, body: {} };
      if (request.headers.authorization !== `Bearer ${MODEL_KEY}`) return { status: 401, body: { error: { message: "wrong" } } };
      const next = queue.shift();
      return next === undefined ? { status: 500, body: {} } : next;
    });
    studio = await Studio.open();
    const { page } = studio;
    await focused(page, page.getByRole("button", { name: "Try it with sample data" }));
    await goTo(page, "#/builder");
    await page.getByRole("button", { name: /^From a sample response/ }).click();
    await page.getByLabel("Address of the request").fill(`${api.url}/v2/tickets?page=1&per_page=20`);
    await page.getByLabel("Response (JSON)").fill(JSON.stringify({ data: rows.slice(0, 2) }));
    await page.getByRole("button", { name: "Make a table of it" }).click();
    await page.getByRole("tree", { name: "Response" }).waitFor();
    const open = page.getByRole("button", { name: "Ask the language model…" });
    // Off until somebody sets one up.
    expect(await open.count()).toBe(0);

    await save(page, `${model.url}/v1`, "wrong");
    await look(page, "1-settings");
    await studio.expectAccessible();
    expect(model.asked).toEqual([]);
    await goTo(page, "#/builder");
    await open.click();
    const dialog = page.getByRole("dialog", { name: "A draft by the language model" });
    await dialog.getByLabel("What should it do?").fill("All tickets, with their key");
    const sent = dialog.getByRole("region", { name: "What is sent" });
    await sent.getByText("What is wanted: All tickets, with their key").waitFor();
    await sent.getByText('"subject": "text"').waitFor();
    await dialog.getByText(`This is sent to ${model.url}/v1, model stand-in`).waitFor();
    expect(await sent.textContent()).not.toContain("Ticket 0");
    await dialog.getByRole("checkbox", { name: /^Also its values/ }).check();
    await sent.getByText("Ticket 0").waitFor();
    await dialog.getByRole("checkbox", { name: /^Also its values/ }).uncheck();
    await sent.getByText('"subject": "text"').waitFor();
    expect(await dialog.getByLabel("Hosts that the draft may ask").inputValue()).toBe(api.url.replace("http://", ""));
    await look(page, "2-question");
    await studio.expectAccessible();
    expect(model.asked).toEqual([]);

    // A key that is not accepted, in words.
    await dialog.getByRole("button", { name: "Send this" }).click();
    await dialog.getByText(/does not accept the key: 401/).waitFor();
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await save(page, `${model.url}/v1`, MODEL_KEY);
    await goTo(page, "#/builder");

    // A model that says nothing is stopped, and its connection with it.
    await open.click();
    await dialog.getByRole("button", { name: "Send this" }).click();
    await dialog.getByText("The model writes, then its draft is run…").first().waitFor();
    await expect.poll(() => model?.asked.length).toBe(2);
    await dialog.getByRole("button", { name: "Stop" }).click();
    await expect.poll(() => model?.givenUp).toBe(1);

    // One that chats, one whose draft is wrong, one that listens.
    await dialog.getByRole("button", { name: "Send this" }).click();
    await dialog.getByText("I am only a language model.").waitFor();
    await dialog.getByRole("button", { name: "Ask again with what failed (4 left)" }).click();
    await sent.getByText(/There is no manifest in the answer/).waitFor();
    await dialog.getByRole("button", { name: "Send this" }).click();
    await dialog.getByText("The configuration is not valid:", { exact: false }).waitFor();
    await dialog.getByRole("button", { name: "Cancel" }).click();

    // The key of the API is known to the requests of the draft, never to the model.
    await page.getByRole("button", { name: /^Sign-in/ }).click();
    await page.getByRole("radio", { name: "key in a header" }).check();
    await page.getByLabel("Name of the header").fill("X-Api-Key");
    await page.getByLabel("Name of the header").press("Enter");
    await page.getByLabel("API key", { exact: true }).fill(KEY);
    queue.unshift(says(block(draft(api.url, "results"))));
    await open.click();
    await dialog.getByRole("button", { name: "Send this" }).click();
    await dialog.getByText("The draft does not pass.").waitFor();
    await dialog.getByText("200, but no rows at results[]; there is an array at data[].").waitFor();
    await look(page, "3-failed");
    await studio.expectAccessible();
    expect(await dialog.getByRole("button", { name: "Use this draft" }).count()).toBe(0);
    await dialog.getByRole("button", { name: "Ask again with what failed (4 left)" }).click();
    await sent.getByText(/there are no rows at results\[\]; there is an array at \["data"\]/).waitFor();
    await look(page, "4-again");
    await dialog.getByRole("button", { name: "Send this" }).click();
    await dialog.getByText("Proved: its table gives rows, and no request contradicts the draft.").waitFor();
    await dialog.getByText("3 pages were asked for, and each is different.").waitFor();
    await look(page, "5-proved");
    await studio.expectAccessible();
    const kept = page.waitForResponse((response) => response.url().endsWith("/rpc/builder.keep"));
    await dialog.getByRole("button", { name: "Use this draft" }).click();
    await page.getByText("id is unique in 50 rows.").waitFor();
    for (const { body } of model.asked) for (const never of [KEY, MODEL_KEY, "Ticket 0"]) expect(body).not.toContain(never);

    // What was recorded is there after a restart, and nothing of it lies in the open.
    await kept;
    await studio.kill();
    await studio.startAgain();
    await page.getByRole("button", { name: "Try it with sample data" }).waitFor();
    await goTo(page, "#/builder");
    await page.getByRole("button", { name: /^Go on with/ }).click();
    const asked = api.asked.length;
    await page.getByRole("checkbox", { name: "from the recording" }).check();
    await page.getByRole("button", { name: /^Send/ }).click();
    await page.getByText("recorded, nothing was sent").waitFor();
    await page.getByRole("button", { name: /^tickets/ }).click();
    await page.getByText("id is unique in 50 rows.").waitFor();
    expect(api.asked.length).toBe(asked);
    const files = await filesOf(studio.folder);
    expect(files.length).toBeGreaterThan(1000);
    for (const never of [KEY, MODEL_KEY, "Ticket 49"]) expect(files).not.toContain(never);

    // Turned off, it is not offered any more.
    await goTo(page, "#/settings");
    await page.getByRole("button", { name: "Turn it off" }).click();
    await page.getByText("No model is asked any more; its key is gone").waitFor();
    await goTo(page, "#/builder");
    await page.getByRole("heading", { name: "Builder" }).waitFor();
    expect(await open.count()).toBe(0);
  });

  it("reads it in German", async () => {
    studio = await Studio.open({ theme: "dark", language: "de-DE" });
    const { page } = studio;
    await focused(page, page.getByRole("button", { name: "Mit Beispieldaten ausprobieren" }));
    await goTo(page, "#/settings");
    await page.getByLabel("Adresse des Modells").fill("http://models.example.com/v1");
    await page.getByLabel("Name des Modells").fill("klein");
    await page.getByLabel(/^Schlüssel/).fill("geheim");
    await page.getByRole("button", { name: "Modell speichern" }).click();
    // A key does not go through the network in the open.
    await page.getByText(/The key would go through the network unprotected/).waitFor();
    await page.getByLabel("Adresse des Modells").fill("https://models.example.com/v1");
    await page.getByRole("button", { name: "Modell speichern" }).click();
    await page.getByText("Der Baukasten kann dieses Modell jetzt fragen").waitFor();
    await goTo(page, "#/builder");
    await page.getByRole("button", { name: /^Leer beginnen/ }).click();
    await page.getByRole("button", { name: "Mit einer leeren Tabelle beginnen" }).click();
    await page.getByRole("button", { name: "Das Sprachmodell fragen …" }).click();
    await page.getByText("Wort für Wort, und sonst nichts. Geheimnisse sind herausgenommen.").waitFor();
    await page.getByText("Das wird an https://models.example.com/v1 gesendet, Modell klein").waitFor();
    await look(page, "6-de");
    await studio.expectAccessible();
    // An empty draft names no host: a model's draft asks none then.
    await page.getByRole("button", { name: "Das senden" }).hover();
    await page.getByText("Nennen Sie zuerst den Rechner der API", { exact: false }).waitFor();
  });
});
