import { create } from "zustand";
import type { LinkState } from "~/platform";

/** Whether the engine can be heard, for everything that should say so. */
export const useLink = create<{ state: LinkState }>()(() => ({ state: "connecting" }));
