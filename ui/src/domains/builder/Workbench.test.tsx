import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TrialFinding, TrialResult } from "~/api/generated";
import { fixturePlatform } from "../../../test/fixture/platform";
import { render } from "../../../test/render";
import { useBuilder } from "./store";
import { Workbench } from "./Workbench";

const YAML = `version: 6.0.0
type: DeclarativeSource
definitions:
  requester: {type: HttpRequester, url_base: "https://a.test"}
  streams:
    tickets:
      type: DeclarativeStream
      name: tickets
      primary_key: [id]
      retriever:
        type: SimpleRetriever
        requester: {$ref: "#/definitions/requester", path: /tickets}
        record_selector: {type: RecordSelector, extractor: {type: DpathExtractor, field_path: [data]}}
streams:
  - $ref: "#/definitions/streams/tickets"
`;

function result(findings: TrialFinding[], answer: object): TrialResult {
  return {
    exchanges: [
      {
        method: "GET",
        url: "https://a.test/tickets",
        headers: [],
        body: null,
        status: 200,
        duration_ms: 12,
        limits: [],
        content_type: "application/json",
        answer: JSON.stringify(answer),
        cut: false,
        rows: 0,
        second: false,
      },
    ],
    columns: [],
    rows: [],
    row_count: 0,
    limited: false,
    findings,
    examined: { arrays: [], keys: [], times: [], next: [] },
    schema: {},
    duration_ms: 12,
    replayed: false,
    recording_ends: false,
    divided: null,
  };
}

function Shown() {
  const working = useBuilder((builder) => builder.working);
  return working && <Workbench working={working} kept={null} onLeave={() => undefined} onSaved={() => undefined} />;
}

function open(answer: TrialResult | null) {
  const guess = { path: ["definitions", "streams", "tickets", "primary_key"], because: { kind: "unique", rows: 300 } as const };
  useBuilder.getState().begin({ name: "acme", yaml: YAML, guesses: [guess], sample: null, changes: null });
  useBuilder.getState().show({ table: "tickets" });
  const inner = fixturePlatform();
  render(<Shown />, {
    ...inner,
    call: async (name, request, signal) => (name === "builder.trial" ? { ok: true, value: answer } : inner.call(name, request, signal)),
  });
}

describe("a connector that is being made", () => {
  // What jsdom does not have.
  beforeAll(() => {
    Element.prototype.scrollIntoView = () => undefined;
  });
  beforeEach(() => useBuilder.getState().leave());

  it("shows a guess with its evidence until somebody confirms it", async () => {
    open(null);
    await screen.findByText("guessed: unique in 300 rows");
    expect(screen.getByText("1 guess to confirm")).toBeDefined();
    await userEvent.click(screen.getByRole("button", { name: "Confirm: guessed: unique in 300 rows" }));
    expect(screen.queryByText("guessed: unique in 300 rows")).toBeNull();
    expect(screen.getByText("no guesses left")).toBeDefined();
  });

  it("says at the field what the test contradicts, and corrects it at a click", async () => {
    const finding: TrialFinding = { severity: "problem", field: "rows", what: { kind: "no_rows", at: "data[]", other: { path: ["results"], rows: 3 } } };
    open(result([finding], { results: [{ id: 1 }] }));
    await userEvent.click(await screen.findByRole("button", { name: /^Send/ }));
    const words = await screen.findByText("200, but no rows at data[]; there is an array at results[].");
    expect(words.closest("[data-slot]")?.getAttribute("data-slot")).toBe("rows");
    await userEvent.click(screen.getByRole("button", { name: "Use results[]" }));
    await waitFor(() => expect(useBuilder.getState().working?.yaml).toContain("field_path: [results]"));
    // What was said of the value before says nothing of this one.
    expect(screen.queryByText(/there is an array at results/)).toBeNull();
  });

  it("says when the recording ends with the program", async () => {
    open({ ...result([], { results: [] }), recording_ends: true });
    await userEvent.click(await screen.findByRole("button", { name: /^Send/ }));
    await screen.findByText("The recording lasts until Syncline is closed: there is no vault key to seal it.");
  });

  it("takes rows, key and time from the response, and leaves the rest of the text as it is", async () => {
    open(result([], { results: [{ no: 1, at: "2026-01-01" }] }));
    await userEvent.click(await screen.findByRole("button", { name: /^Send/ }));
    const tree = await screen.findByRole("tree");
    tree.focus();
    await userEvent.keyboard("{ArrowDown}");
    await userEvent.click(screen.getByRole("button", { name: "Rows are here" }));
    await userEvent.click(screen.getByRole("tree"));
    screen.getByRole("tree").focus();
    // Into the list, its first row, and that row's first field.
    await userEvent.keyboard("{ArrowRight}{ArrowDown}{ArrowRight}{ArrowDown}");
    await userEvent.click(await screen.findByRole("button", { name: "Use as key" }));
    screen.getByRole("tree").focus();
    await userEvent.keyboard("{ArrowDown}");
    await userEvent.click(await screen.findByRole("button", { name: "Use as updated-at" }));
    const yaml = useBuilder.getState().working?.yaml ?? "";
    expect(yaml).toContain("field_path: [results]");
    expect(yaml).toMatch(/primary_key:\s*(\[no\]|\n\s+- "?no"?|\[ ?"no" ?\])/);
    expect(yaml).toContain("cursor_field: at");
    expect(yaml).toContain('datetime_format: "%Y-%m-%d"');
    expect(yaml.startsWith("version: 6.0.0\ntype: DeclarativeSource\n")).toBe(true);
  });
});
