import { describe, expect, it } from "vitest";
import { addTable, edited, newerEdits, parentEdits, readManifest, removeTable, schemaEdits, shownAddress, type Table, touches, writtenAddress } from "./manifest";
import { pagingEdits, rowsEdits } from "./findings";
import { asWay, paginatorOf, type Paging, pagingOf, placeOf } from "./paging";
import { signInEdits, signInOf } from "./signIn";

const MANIFEST = `# Made by hand.
version: 6.0.0
type: DeclarativeSource
check: {type: CheckStream, stream_names: [tickets]}
definitions:
  requester:
    type: HttpRequester
    url_base: https://api.acme.test/v2 # the newer one
    authenticator: {type: BearerAuthenticator, api_token: "{{ config['token'] }}"}
  retriever:
    requester:
      $ref: "#/definitions/requester"
    record_selector:
      record_filter: {condition: "{{ record.open }}"}
      extractor: {type: DpathExtractor, field_path: [data]}
streams:
  - type: DeclarativeStream
    name: tickets
    primary_key: id
    retriever:
      $ref: "#/definitions/retriever"
  - name: odd
    primary_key: [[a, b]]
    retriever:
      requester: {$ref: "#/definitions/requester", path: /odd}
      record_selector: {extractor: {type: CustomExtractor, class_name: x.Y}}
      paginator:
        type: DefaultPaginator
        pagination_strategy: {type: CursorPagination, cursor_value: "{{ response.next }}", stop_condition: "{{ not response.more }}"}
        page_token_option: {type: RequestPath}
`;

function table(text: string, name: string): Table {
  const found = readManifest(text).tables.find((each) => each.name === name);
  if (!found) throw new Error(name);
  return found;
}

describe("the text of a manifest", () => {
  it("is shown as far as the form knows it; the rest is custom", () => {
    const manifest = readManifest(MANIFEST);
    expect(manifest.requester).toEqual(["definitions", "requester"]);
    expect(table(MANIFEST, "tickets")).toMatchObject({ rows: ["data"], key: ["id"], paging: { way: "none" }, newer: null, path: ["streams", "0"] });
    expect(table(MANIFEST, "odd")).toMatchObject({ rows: "custom", key: "custom", paging: "custom", address: "/odd" });
    expect(signInOf(manifest)).toBe("custom");
  });

  it("changes only what an edit names", () => {
    const after = edited(MANIFEST, [{ path: ["definitions", "requester", "url_base"], value: "https://new.test" }]);
    expect(after).toBe(MANIFEST.replace("https://api.acme.test/v2", "https://new.test"));
  });

  it("makes what is shared a table's own before it changes it", () => {
    const after = edited(MANIFEST, rowsEdits(table(MANIFEST, "tickets"), ["results", "rows"]));
    expect(table(after, "tickets").rows).toEqual(["results", "rows"]);
    // The other table still has the shared one, and the filter came along.
    expect(after).toContain("field_path: [data]");
    expect(after.match(/record_filter/g)).toHaveLength(2);
    expect(readManifest(after).tables[0]?.name).toBe("tickets");
  });

  it("names the line of a mistake, and an edit leaves such a text alone", () => {
    const broken = "streams:\n  - name: [a\n";
    expect(readManifest(broken).broken?.line).toBeGreaterThan(1);
    expect(edited(broken, [{ path: ["a"], value: 1 }])).toBe(broken);
  });

  it("puts words that YAML 1.1 takes for something else in quotation marks", () => {
    expect(edited("a: 1\n", [{ path: ["b"], value: ["yes", "on", "2024"] }])).toMatch(/"yes"[\s\S]*"on"[\s\S]*"2024"/);
  });

  it("gets tables, copies of them, and loses them with all that was theirs", () => {
    const manifest = readManifest(MANIFEST);
    const more = edited(MANIFEST, addTable(manifest, "users", null));
    expect(readManifest(more).tables.map(({ name }) => name)).toEqual(["tickets", "odd", "users"]);
    const copied = edited(more, addTable(readManifest(more), "odd_copy", table(more, "odd")));
    expect(table(copied, "odd_copy")).toMatchObject({ paging: "custom", address: "/odd" });
    const less = edited(copied, removeTable(readManifest(copied), table(copied, "tickets")));
    expect(readManifest(less).tables.map(({ name }) => name)).toEqual(["odd", "users", "odd_copy"]);
    expect(less).toContain("stream_names: [odd]");
  });

  it("asks for newer rows, and for rows of rows", () => {
    const first = edited(MANIFEST, newerEdits(readManifest(MANIFEST), table(MANIFEST, "tickets"), { field: "updated_at", format: "%s", parameter: "since" }));
    expect(table(first, "tickets").newer).toEqual({ field: "updated_at", format: "%s", parameter: "since" });
    expect(first).toContain("start_date");
    const second = edited(first, parentEdits(readManifest(first), table(first, "odd"), { table: "tickets", key: "id", field: "ticket_id" }));
    expect(table(second, "odd").parent).toEqual({ table: "tickets", key: "id", field: "ticket_id" });
    const third = edited(second, newerEdits(readManifest(second), table(second, "tickets"), null));
    expect(table(third, "tickets").newer).toBeNull();
  });

  it("keeps the schema where the table has it", () => {
    const after = edited(MANIFEST, schemaEdits(readManifest(MANIFEST), table(MANIFEST, "tickets"), { type: "object", properties: { id: {} } }));
    expect(table(after, "tickets").columns).toBe(1);
  });

  it("gets the settings that a sign-in needs, and loses those it no longer needs", () => {
    const none = edited(MANIFEST, signInEdits(readManifest(MANIFEST), { way: "none" }));
    const basic = edited(none, signInEdits(readManifest(none), { way: "basic" }));
    expect(signInOf(readManifest(basic))).toEqual({ way: "basic" });
    const key = edited(basic, signInEdits(readManifest(basic), { way: "header", name: "X-Key" }));
    expect(signInOf(readManifest(key))).toEqual({ way: "header", name: "X-Key" });
    expect(key).not.toContain("username");
    expect(key).toMatch(/required:\s*(\[ ?api_key ?\]|\n\s+- api_key)/);
  });

  it("knows what a guess is about", () => {
    const guess = ["streams", "0", "retriever", "paginator"];
    expect(touches([{ path: [...guess, "page_size"], value: 1 }], guess)).toBe(true);
    expect(touches([{ path: ["streams", "0", "name"], value: "a" }], guess)).toBe(false);
  });

  it("writes the place of a parent's key as people do", () => {
    expect(shownAddress("/orders/{{ stream_partition['order_id'] }}/items")).toBe("/orders/{order_id}/items");
    expect(writtenAddress("/orders/{order_id}/items")).toBe("/orders/{{ stream_partition['order_id'] }}/items");
    expect(writtenAddress("/o/{{ stream_partition['a'] }}")).toBe("/o/{{ stream_partition['a'] }}");
  });
});

describe("ways of paging", () => {
  const ways: Paging[] = [
    { way: "none" },
    { way: "page", parameter: "page", sizeParameter: "per_page", size: "50", first: "1" },
    { way: "offset", parameter: "offset", sizeParameter: "limit", size: "10" },
    { way: "link", place: ["links", "next"] },
    { way: "header", sizeParameter: "", size: "" },
    { way: "cursor", parameter: "cursor", place: ["meta", "next_cursor"], sizeParameter: "", size: "" },
  ];
  it.each(ways)("$way is read as it was written", (paging) => {
    expect(pagingOf(paginatorOf(paging))).toEqual(paging);
    const after = edited(MANIFEST, pagingEdits(table(MANIFEST, "tickets"), paging));
    expect(table(after, "tickets").paging).toEqual(paging);
  });

  it("reads places however they are written", () => {
    expect(placeOf("{{ response['meta']['next'] }}")).toEqual(["meta", "next"]);
    expect(placeOf("{{ response.meta.next }}")).toEqual(["meta", "next"]);
    expect(placeOf("{{ response.get('meta', {}).get('next') }}")).toEqual(["meta", "next"]);
    expect(placeOf("{{ last_record['id'] }}")).toBeNull();
    expect(asWay("cursor", { way: "link", place: ["a"] })).toMatchObject({ way: "cursor", place: ["a"] });
  });
});
