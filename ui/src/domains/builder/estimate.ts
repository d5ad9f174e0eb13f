import type { TrialResult } from "~/api/generated";
import { at } from "./json";
import type { Manifest } from "./manifest";

/** How many requests a table takes that is asked once for each row of another one, from what tests have shown. */
export interface Estimate {
  requests: number;
  /** Rows of the other table, and the requests for them. */
  parents: number;
  parentPages: number;
  /** There are more rows than were seen. */
  atLeast: boolean;
  /** Requests for each of the rows, on average. */
  each: number;
  /** What that was measured with. */
  asked: number;
  pages: number;
  /** Milliseconds in all; null: nothing was measured. */
  ms: number | null;
}

/** `perMinute`: the limit of the manifest, which counts where there is one. */
export function estimateOf(trial: TrialResult | undefined, parent: TrialResult | undefined, perMinute: number | null): Estimate | null {
  const divided = trial?.divided;
  if (!divided || divided.asked === 0) return null;
  // The test of the other table itself may have seen more of it.
  const failed = parent?.findings.some(({ severity, field }) => severity === "problem" && field !== "incremental") ?? true;
  const own = parent && !failed && parent.row_count >= divided.parents ? parent : null;
  const parents = own ? own.row_count : divided.parents;
  const parentPages = own ? own.exchanges.filter(({ second }) => !second).length : divided.parent_pages;
  const each = divided.pages / divided.asked;
  const requests = parentPages + Math.ceil(parents * each);
  const measured = divided.request_ms === null ? null : requests * divided.request_ms;
  return {
    requests,
    parents,
    parentPages,
    atLeast: own ? own.limited : divided.more,
    each,
    asked: divided.asked,
    pages: divided.pages,
    ms: perMinute === null ? measured : Math.max(measured ?? 0, (requests / perMinute) * 60_000),
  };
}

/** The limit of requests a minute that a manifest has; null: none, or another kind. */
export function limitOf(manifest: Manifest): number | null {
  const policies = at(manifest.whole, ["api_budget", "policies"]);
  const rates = at(policies, ["0", "rates"]);
  const rate = at(rates, ["0"]);
  const limit = at(rate, ["limit"]);
  return at(rate, ["interval"]) === "PT1M" && typeof limit === "number" && limit > 0 ? limit : null;
}
