import { create } from "zustand";
import type { CheckStep } from "~/api/generated";

interface Checks {
  /** Steps of connection tests by the id that was sent with the test, as they end. */
  steps: Readonly<Record<string, readonly CheckStep[]>>;
  hear: (check: string, step: CheckStep) => void;
  forget: (check: string) => void;
}

export const useChecks = create<Checks>()((set) => ({
  steps: {},
  hear: (check, step) => set(({ steps }) => ({ steps: { ...steps, [check]: [...(steps[check] ?? []), step] } })),
  forget: (check) =>
    set(({ steps }) => {
      const { [check]: _, ...rest } = steps;
      return { steps: rest };
    }),
}));
