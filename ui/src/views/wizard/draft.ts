import { create } from "zustand";
import { persist } from "zustand/middleware";
import type { Side } from "~/api/generated";
import type { Values } from "~/domains/systems/form";
import type { Selection } from "~/domains/tables/selection";

export const steps = ["source", "destination", "tables", "review"] as const;
export type Step = (typeof steps)[number];

export interface SystemDraft {
  connector: string;
  name: string;
  /** Never secrets: they stay in the form until they are sent. */
  values: Values;
}

interface Draft {
  step: Step;
  /** Names of systems that are set up. */
  source: string | null;
  destination: string | null;
  /** Settings under way. */
  systems: Partial<Record<Side, SystemDraft>>;
  selection: Selection;
  name: string;
  set: (change: Partial<Omit<Draft, "set" | "clear">>) => void;
  clear: () => void;
}

const empty = {
  step: "source",
  source: null,
  destination: null,
  systems: {},
  selection: {},
  name: "",
} satisfies Omit<Draft, "set" | "clear">;

/** The connection that is being made. Survives leaving the page and a crash. */
export const useDraft = create<Draft>()(
  persist((set) => ({ ...empty, set, clear: () => set(empty) }), {
    name: "syncline.draft",
    partialize: ({ set: _, clear: __, ...values }) => values,
  }),
);
