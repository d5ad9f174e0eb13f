import { create } from "zustand";
import type { BuilderField, Draft, DraftFrom, Guess, TrialFinding, TrialResult } from "~/api/generated";
import type { Values } from "~/domains/systems/form";
import { fieldAt } from "./findings";
import { type Edit, edited, touches } from "./manifest";

/** A connector that is being made. */
export interface Working {
  name: string;
  yaml: string;
  guesses: readonly Guess[];
  /** The answer that was pasted. */
  sample: string | null;
  /** The connector of the project that it changes. */
  changes: string | null;
}

/** What stands in the middle: a part of the connector, or one of its tables. */
export type Part = "connection" | "signIn" | "errors" | { table: string };

/** A description was read, and somebody chooses from it. */
export interface Choosing {
  from: Extract<DraftFrom, { kind: "open_api" }>;
  draft: Draft;
}

interface Builder {
  working: Working | null;
  choosing: Choosing | null;
  part: Part;
  /** What the test needs to know; secrets live here only. */
  values: Values;
  /** The last test of each table. */
  trials: Readonly<Record<string, TrialResult>>;
  asText: boolean;
  /** What the API says of itself, when it was pasted; not kept with the draft. */
  described: string | null;
  begin: (working: Working, values?: Values, described?: string | null) => void;
  choose: (choosing: Choosing | null) => void;
  leave: () => void;
  show: (part: Part) => void;
  rename: (name: string) => void;
  /** Changes of the form: only what they name. */
  apply: (edits: readonly Edit[]) => void;
  write: (yaml: string) => void;
  /** Another text takes the place of this one, with what its tests have shown. */
  adopt: (yaml: string, trials: Readonly<Record<string, TrialResult>>) => void;
  confirm: (guesses: readonly Guess[]) => void;
  setValues: (values: Values) => void;
  setTrial: (table: string, result: TrialResult) => void;
  setAsText: (asText: boolean) => void;
}

const fresh = { part: "connection" as Part, values: {}, trials: {}, asText: false, choosing: null, described: null };

export const useBuilder = create<Builder>()((set) => ({
  working: null,
  ...fresh,
  begin: (working, values = {}, described = null) => set({ ...fresh, working, values, described }),
  choose: (choosing) => set({ choosing }),
  leave: () => set({ working: null, ...fresh }),
  show: (part) => set({ part }),
  rename: (name) => set(({ working }) => (working ? { working: { ...working, name } } : {})),
  apply: (edits) =>
    set(({ working, trials }) => {
      if (!working || edits.length === 0) return {};
      const guesses = working.guesses.filter(({ path }) => !touches(edits, path));
      return { working: { ...working, yaml: edited(working.yaml, edits), guesses }, trials: outdated(trials, edits) };
    }),
  write: (yaml) => set(({ working }) => (working ? { working: { ...working, yaml } } : {})),
  adopt: (yaml, trials) => set(({ working }) => (working ? { working: { ...working, yaml, guesses: [] }, trials } : {})),
  confirm: (guesses) =>
    set(({ working }) => (working ? { working: { ...working, guesses: working.guesses.filter((guess) => !guesses.includes(guess)) } } : {})),
  setValues: (values) => set({ values }),
  setTrial: (table, result) => set(({ trials }) => ({ trials: { ...trials, [table]: result } })),
  setAsText: (asText) => set({ asText }),
}));

/** What a test said of a value that is another now says nothing any more. */
function outdated(trials: Readonly<Record<string, TrialResult>>, edits: readonly Edit[]): Record<string, TrialResult> {
  const changed = new Set(edits.map(({ path }) => fieldAt(path)));
  // Other rows have other keys, times and columns.
  const fields: readonly BuilderField[] = changed.has("rows") ? ["rows", "pages", "key", "incremental", "schema"] : [];
  const stays = (finding: TrialFinding) => !changed.has(finding.field) && !fields.includes(finding.field);
  return Object.fromEntries(Object.entries(trials).map(([table, result]) => [table, { ...result, findings: result.findings.filter(stays) }]));
}

export function partIs(part: Part, table: string): boolean {
  return typeof part === "object" && part.table === table;
}
