import { createContext } from "react";
import type { FixAction, Side } from "~/api/generated";

/** Something that can be done about a failure, in words, and what a window can do for it, when it can. */
export interface Fix {
  label: string;
  action: FixAction | null;
}

export interface FixButton {
  label: string;
  /** Only for failures at this end of a connection, and for those of which it is not known. */
  side?: Side;
  run: () => void;
}

export type FixButtons = Partial<Record<FixAction, readonly FixButton[]>>;

/** What the screen around a failure can do about it. A fix without buttons stays a sentence. */
export const FixContext = createContext<FixButtons>({});
