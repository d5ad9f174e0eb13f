import { create } from "zustand";
import type { Side } from "~/api/generated";
import type { Values } from "~/domains/systems/form";
import type { Selection } from "~/domains/tables/selection";

export const steps = ["source", "destination", "tables", "review"] as const;
export type Step = (typeof steps)[number];

export interface SystemDraft {
  connector: string;
  /** Empty until the person or the form gave one. */
  name: string;
  /** Never secrets: they stay in the form until they are sent. */
  values: Values;
}

/** What the engine keeps of a connection that is being made. */
export interface DraftContent {
  step: Step;
  /** Names of systems that are set up. */
  source: string | null;
  destination: string | null;
  /** Settings under way. */
  systems: Partial<Record<Side, SystemDraft>>;
  selection: Selection;
  name: string;
}

interface Draft extends DraftContent {
  set: (change: Partial<DraftContent>) => void;
  clear: () => void;
}

export const empty: DraftContent = {
  step: "source",
  source: null,
  destination: null,
  systems: {},
  selection: {},
  name: "",
};

/** The connection that is being made, as long as its page is open. The engine keeps it beyond that. */
export const useDraft = create<Draft>()((set) => ({ ...empty, set, clear: () => set(empty) }));

export function contentOf({ step, source, destination, systems, selection, name }: DraftContent): DraftContent {
  return { step, source, destination, systems, selection, name };
}

/** Whether there is anything worth keeping. */
export function isEmpty({ source, systems }: DraftContent): boolean {
  return source === null && Object.keys(systems).length === 0;
}

/** What a draft is called in lists until the connection has a name. */
export function titleOf({ source, systems }: DraftContent): string {
  return `from-${source ?? systems.source?.connector ?? "new"}`;
}

/** A kept draft, which an older or newer window may have written: what does not fit begins anew. */
export function restored(content: unknown): DraftContent {
  if (!isRecord(content)) return empty;
  const systems: DraftContent["systems"] = {};
  for (const side of ["source", "destination"] as const) {
    const system = isRecord(content["systems"]) ? content["systems"][side] : undefined;
    if (!isRecord(system) || typeof system["connector"] !== "string") continue;
    const values = isRecord(system["values"]) ? (system["values"] as Values) : {};
    systems[side] = { connector: system["connector"], name: textOf(system["name"]) ?? "", values };
  }
  const source = textOf(content["source"]);
  const destination = textOf(content["destination"]);
  const selection = isRecord(content["selection"]) ? (content["selection"] as Selection) : {};
  const wanted = steps.find((step) => step === content["step"]) ?? "source";
  const step = source === null ? "source" : destination === null ? "destination" : wanted;
  return { step: wanted === "source" ? "source" : step, source, destination, systems, selection, name: textOf(content["name"]) ?? "" };
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
