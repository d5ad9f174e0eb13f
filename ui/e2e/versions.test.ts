import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Api } from "./support/api";
import { cutOff, expectCrafted } from "./support/craft";
import { arrive, ask, focused, syncAgain, tell } from "./support/steps";
import { closeBrowser, showFailures, Studio } from "./support/studio";

const KEY = "k3y-of-shop";
const PAGE = 20;
const USERS = 50;
/** Where pictures go, when somebody wants to look at them. */
const pictures = process.env["SYNCLINE_PICTURES"];

afterAll(closeBrowser);

/** A manifest of the table `users`, read page by page. */
function manifest(path: string, columns: readonly string[], more = ""): string {
  const properties = columns.map((name) => `${name}: {type: ${name === "id" ? "integer" : "string"}}`).join(", ");
  return `
version: 6.0.0
type: DeclarativeSource
check: {type: CheckStream, stream_names: [users]}
streams:
  - type: DeclarativeStream
    name: users
    primary_key: [id]
    retriever:
      type: SimpleRetriever
      requester:
        type: HttpRequester
        url_base: "{{ config['url'] }}"
        path: ${path}
        http_method: GET
        authenticator:
          type: ApiKeyAuthenticator
          api_token: "{{ config['api_key'] }}"
          inject_into: {type: RequestOption, inject_into: header, field_name: X-Api-Key}
      record_selector: {type: RecordSelector, extractor: {type: DpathExtractor, field_path: [data]}}
      paginator:
        type: DefaultPaginator
        page_size_option: {type: RequestOption, inject_into: request_parameter, field_name: limit}
        page_token_option: {type: RequestOption, inject_into: request_parameter, field_name: page}
        pagination_strategy: {type: PageIncrement, page_size: ${PAGE}, start_from_page: 1, inject_on_first_request: true}
${more}    schema_loader: {type: InlineSchemaLoader, schema: {type: object, properties: {${properties}}}}
spec:
  type: Spec
  connection_specification:
    type: object
    required: [url, api_key]
    properties:
      url: {type: string}
      api_key: {type: string, airbyte_secret: true}
`;
}

const first = manifest("/users", ["id", "name"]);
/** Its address has forgotten what comes after its second page. */
const failing = manifest("/v2/users", ["id", "name"]);
/** Knows one column more, and names without the blanks around them. */
const trimmed = "    transformations: [{type: AddFields, fields: [{path: [name], value: \"{{ record.name | trim }}\"}]}]\n";
const good = manifest("/users", ["id", "name", "phone"], trimmed);

async function look(page: Page, name: string): Promise<void> {
  if (!pictures) return;
  await mkdir(pictures, { recursive: true });
  for (const theme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: theme });
    await page.screenshot({ path: join(pictures, `${name}-${theme}.png`), animations: "disabled" });
  }
  await page.emulateMedia({ colorScheme: "light" });
}

/** Drops a manifest into the catalogue, as the next version of the connector that its file is named after. */
async function publish(page: Page, yaml: string): Promise<void> {
  await arrive(page, "/new");
  const zone = page.getByText("Drop a connector file", { exact: false });
  await zone.waitFor();
  const transfer = await page.evaluateHandle((yaml) => {
    const data = new DataTransfer();
    data.items.add(new File([yaml], "source-shop.yaml"));
    return data;
  }, yaml);
  await zone.dispatchEvent("drop", { dataTransfer: transfer });
  await page.getByRole("dialog").getByRole("button", { name: "Add as the next version" }).click();
}

describe("somebody whose connector gets new versions", () => {
  let studio: Studio;
  let api: Api;
  showFailures(() => studio);
  beforeAll(async () => {
    api = await Api.start((path, query, { headers }) => {
      if (headers["x-api-key"] !== KEY) return { status: 401, body: {} };
      const page = Number(query.get("page") ?? 1);
      if (path === "/v2/users" && page === 3) return { status: 404, body: { message: "no such page" } };
      const rows = Array.from({ length: USERS }, (_, at) => ({ id: at + 1, name: at === 6 ? "User 7 " : `User ${at + 1}`, phone: `555-${at}` }));
      return { body: { data: rows.slice((page - 1) * PAGE, page * PAGE) } };
    });
    studio = await Studio.open();
    const { page } = studio;
    await focused(page, page.getByRole("button", { name: "Try it with sample data" }));
  });
  afterAll(async () => {
    const complaints = [...(studio?.complaints ?? [])];
    await studio?.close();
    await api?.close();
    expect(complaints).toEqual([]);
  });

  const count = (page: Page, schema: string) => ask(page, `select count(*), count(distinct id) from ${schema}.users`);
  const page = () => studio.page;
  /** Takes back what a message in passing tells. */
  const undo = (told: string) =>
    page().locator("div").filter({ hasText: told }).filter({ has: page().getByRole("button", { name: "Undo" }) }).last().getByRole("button", { name: "Undo" }).click();

  it("finds nothing before there are any, and learns what will be there", async () => {
    await page().keyboard.press("ControlOrMeta+k");
    await page().getByRole("combobox").fill("versions");
    await page().keyboard.press("Enter");
    await page().getByText("This project has none yet.", { exact: false }).waitFor();
    await studio.expectAccessible();
    await look(page(), "1-empty");
  });

  it("syncs with the first one", async () => {
    await tell(page(), "builder.save", { name: "shop", yaml: first, replace: false });
    const source = { side: "source", name: "shop", connector: "shop", config: { url: api.url }, secrets: { api_key: KEY } };
    await tell(page(), "systems.save", source);
    await tell(page(), "systems.save", { side: "destination", name: "lake", connector: "duckdb", config: { path: "lake.duckdb" }, secrets: {} });
    for (const name of ["main", "other"]) {
      const config = { source: "shop", destination: "lake", schema: name, tables: [{ name: "users", mode: "merge" }] };
      await tell(page(), "connections.save", { connection: name, config });
      await syncAgain(page(), name);
    }
    expect(await count(page(), "main")).toEqual(["50", "50"]);
  });

  it("is shown what a second one would change, and upgrades", async () => {
    await publish(page(), failing);
    await page().getByRole("heading", { name: "Plan for Shop: version 1" }).waitFor();
    await page().getByText("1 table stays as it is.").waitFor();
    await studio.expectAccessible();
    await page().keyboard.press("ControlOrMeta+Enter");
    await page().getByText("shop is on version 1 now").waitFor();
    const users = page().getByRole("table", { name: "Who uses it" });
    await users.getByText("watched: a run goes back to version 0 when this one fails").first().waitFor();
  });

  it("has the rows all the same when it fails at its third page, and reads why", async () => {
    const asked = api.asked.length;
    await syncAgain(page(), "main");
    const told = page().getByText("Version 1 of shop did not work.");
    await told.waitFor();
    await page().getByText("is not used for this connection any more").waitFor();
    await studio.expectAccessible();
    await look(page(), "2-went-back");
    const pages = api.asked.slice(asked).map(({ path, query }) => `${path} ${query.get("page")}`);
    expect(pages.filter((each) => each === "/v2/users 3").length).toBeGreaterThan(0);
    expect(pages.slice(-3), "from the first page again").toEqual(["/users 1", "/users 2", "/users 3"]);
    expect(await count(page(), "main")).toEqual(["50", "50"]);

    await arrive(page(), "/connections/main/history");
    const list = page().getByRole("group", { name: "Runs, newest first" });
    await list.getByText("did not work", { exact: false }).waitFor();
    expect(await list.getByText("instead of version", { exact: false }).count(), "the upgrade, once").toBe(1);
    expect(await list.getByText("went from version", { exact: false }).count(), "and not once more").toBe(0);
    await look(page(), "3-history");

    await arrive(page(), "/connections/main/overview");
    const about = page().getByRole("complementary");
    await about.getByText("Version 1 is bad").waitFor();
    await look(page(), "4-overview");
    await about.getByRole("link", { name: "Shop 0" }).click();
    const versions = page().getByRole("table", { name: "Versions side by side" });
    const bad = versions.getByRole("row").filter({ hasText: "bad for main" });
    await bad.getByText("404", { exact: false }).waitFor();
    await versions.getByRole("row").filter({ hasText: "main runs on it" }).getByText("worked", { exact: false }).waitFor();
    await studio.expectAccessible();
    await expectCrafted(page());
    await look(page(), "5-marked-bad");
  });

  it("edits the settings of the version that a source is on, and leaves it there", async () => {
    await arrive(page(), "/systems/source/shop");
    await page().getByRole("link", { name: "Shop 1" }).waitFor();
    await page().getByRole("button", { name: /^Test/ }).click();
    await page().getByText(/^Ready/).waitFor();
    await page().keyboard.press("ControlOrMeta+Enter");
    await page().getByText("Saved shop").waitFor();
    const [listed] = await tell<{ sources: { version: string }[] }[]>(page(), "connectors.versions", null);
    expect(listed?.sources[0]?.version).toBe("1");
  });

  it("rehearses a third one without asking the source, and sends one connection ahead", async () => {
    await publish(page(), good);
    await page().getByRole("heading", { name: "Plan for Shop: version 2" }).waitFor();
    await page().getByText("phone text").first().waitFor();
    const asked = api.asked.length;
    await page().getByRole("radio", { name: "Some connections first" }).check();
    await page().getByText("Tick the connections that go first.", { exact: false }).waitFor();
    expect(await page().getByRole("button", { name: "Upgrade", exact: false }).first().getAttribute("aria-disabled")).toBe("true");
    await page().getByRole("checkbox", { name: "main" }).check();
    const rehearsal = page().getByRole("region", { name: "Rehearsal of main" });
    await rehearsal.getByRole("button", { name: "Rehearse", exact: true }).click();
    await rehearsal.getByText("Versions 0 and 2 do not give the same").waitFor();
    const row = rehearsal.getByRole("row").filter({ hasText: "users" }).first();
    expect(await row.getByRole("cell").allTextContents()).toEqual(["users", "50", "50", "1", "1", "differs"]);
    await rehearsal.getByRole("cell", { name: "User 7·" }).waitFor();
    expect(api.asked.length, "nobody was asked").toBe(asked);
    await studio.expectAccessible();
    await expectCrafted(page());
    expect(await cutOff(page())).toEqual([]);
    await look(page(), "6-rehearsed");
    await page().getByRole("button", { name: "Upgrade 1 connection" }).click();
    await page().getByText("main is on version 2 now").waitFor();
    const users = page().getByRole("table", { name: "Who uses it" });
    await users.getByText("ahead of its source").waitFor();
    await look(page(), "7-ahead");
    await syncAgain(page(), "main");
    expect(await ask(page(), "select count(*), count(phone), max(name) filter (id = 7) from main.users")).toEqual(["50", "50", "User 7"]);
  });

  it("lets the others follow, takes that back, and rolls back with one click", async () => {
    await arrive(page(), "/versions?connector=shop");
    const users = page().getByRole("table", { name: "Who uses it" });
    const other = users.getByRole("row").filter({ hasText: "other" });
    const on = async (row: typeof other) => (await row.getByRole("cell").allTextContents()).slice(1, 3);
    await page().getByRole("button", { name: "Upgrade to 2…" }).click();
    await page().getByRole("button", { name: "Upgrade 1 connection" }).click();
    await page().getByText("shop is on version 2 now").waitFor();
    await other.waitFor();
    expect(await on(other)).toEqual(["2", "2"]);
    await undo("shop is on version 2 now");
    await page().getByText("Taken back:", { exact: false }).waitFor();
    await other.getByText("1", { exact: true }).first().waitFor();
    await users.getByText("ahead of its source").waitFor();
    // Where its source is would be bad for it: it goes back to what last worked.
    // By keyboard: messages in passing may lie over it.
    await page().getByRole("button", { name: "Roll back to 0: main" }).press("Enter");
    await users.getByText("behind its source").waitFor();
    expect(await on(users.getByRole("row").filter({ hasText: "main" }))).toEqual(["0", "0"]);
    await undo("main is on version 0 now");
    await users.getByText("ahead of its source").waitFor();
    await syncAgain(page(), "main");
    expect(await count(page(), "main")).toEqual(["50", "50"]);
  });

  it("reads it in the second language, too", async () => {
    await arrive(page(), "/settings");
    await page().getByLabel("Language").click();
    await page().getByRole("option", { name: "Deutsch" }).click();
    await arrive(page(), "/versions?connector=shop");
    await page().getByRole("table", { name: "Versionen nebeneinander" }).waitFor();
    await page().getByText("fehlerhaft für main").waitFor();
    await look(page(), "8-german");
    await arrive(page(), "/versions?connector=shop&to=%222%22");
    await page().getByRole("heading", { name: "Plan für Shop: Version 2" }).waitFor();
    await page().getByText("Neue Spalten kommen mit dem nächsten Lauf", { exact: false }).waitFor();
    expect(await cutOff(page())).toEqual([]);
    await look(page(), "9-german-plan");
  });
});
