import { describe, expect, it } from "vitest";
import type { Divided, TrialResult } from "~/api/generated";
import { estimateOf, limitOf } from "./estimate";
import { readManifest } from "./manifest";

const divided: Divided = { parent_pages: 1, parents: 30, more: true, asked: 4, pages: 6, request_ms: 200 };

function trial(more: Partial<TrialResult>): TrialResult {
  return {
    exchanges: [],
    columns: [],
    rows: [],
    row_count: 0,
    limited: false,
    findings: [],
    examined: { arrays: [], keys: [], times: [], next: [] },
    schema: {},
    duration_ms: 0,
    replayed: false,
    recording_ends: false,
    divided: null,
    ...more,
  };
}

const exchange = {
  method: "GET",
  url: "https://a.test",
  headers: [],
  body: null,
  status: 200,
  duration_ms: 1,
  limits: [],
  content_type: "application/json",
  answer: "",
  cut: false,
  rows: null,
  second: false,
};

describe("how many requests a divided table takes", () => {
  it("is the rows of the other table times the pages of each", () => {
    // 1 + 30 × 1.5
    expect(estimateOf(trial({ divided }), undefined, null)).toEqual({ requests: 46, parents: 30, parentPages: 1, atLeast: true, each: 1.5, asked: 4, pages: 6, ms: 9200 });
  });

  it("takes the test of the other table when that has seen more", () => {
    const parent = trial({ row_count: 1200, exchanges: [exchange, exchange, { ...exchange, second: true }] });
    expect(estimateOf(trial({ divided }), parent, null)).toMatchObject({ requests: 1802, parents: 1200, parentPages: 2, atLeast: false });
    expect(estimateOf(trial({ divided }), { ...parent, limited: true }, null)).toMatchObject({ atLeast: true });
    // One that failed says nothing.
    const wrong = { ...parent, findings: [{ severity: "problem", field: "pages", what: { kind: "page_repeats" } } as const] };
    expect(estimateOf(trial({ divided }), wrong, null)).toMatchObject({ parents: 30 });
  });

  it("counts the limit of requests when that is slower, and nothing that was not measured", () => {
    expect(estimateOf(trial({ divided }), undefined, 23)?.ms).toBe(120_000);
    expect(estimateOf(trial({ divided }), undefined, 10_000)?.ms).toBe(9200);
    expect(estimateOf(trial({ divided: { ...divided, request_ms: null } }), undefined, null)?.ms).toBeNull();
    expect(estimateOf(trial({}), undefined, null)).toBeNull();
    expect(estimateOf(undefined, undefined, null)).toBeNull();
  });

  it("reads the limit of the manifest", () => {
    const budget = (interval: string) => `streams: []\napi_budget: {type: HTTPAPIBudget, policies: [{rates: [{limit: 90, interval: ${interval}}]}]}\n`;
    expect(limitOf(readManifest(budget("PT1M")))).toBe(90);
    expect(limitOf(readManifest(budget("PT1H")))).toBeNull();
    expect(limitOf(readManifest("streams: []\n"))).toBeNull();
  });
});
