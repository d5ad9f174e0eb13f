import type { PreviewRequest, SamplePicks } from "~/api/generated";

export const sizes = ["100", "1000", "10000"] as const;
/** What the menu of samples offers. */
export type Choice = (typeof sizes)[number] | "random" | "where";
/** Which rows are looked at. */
export type Picked = { choice: Exclude<Choice, "where"> } | { choice: "where"; condition: string };

export const firstRows: Picked = { choice: "1000" };
/** What can be asked of a source of which nothing is known yet. */
export const onlyFirst: SamplePicks = { random: false, condition: false };

export const ROWS_RANDOM = 10_000;
const ROWS_WHERE = 1_000;

export function requestOf(picked: Picked): Pick<PreviewRequest, "rows" | "pick"> {
  switch (picked.choice) {
    case "where":
      return { rows: ROWS_WHERE, pick: { where: picked.condition } };
    case "random":
      return { rows: ROWS_RANDOM, pick: "random" };
    default:
      return { rows: Number(picked.choice), pick: "first" };
  }
}

/** What is looked at of another table. A condition speaks of the columns of the one before. */
export function carriedOver(picked: Picked, picks: SamplePicks): Picked {
  return picked.choice === "where" || (picked.choice === "random" && !picks.random) ? firstRows : picked;
}

/** The choices of the menu; the present one stays, whatever the source can do. */
export function offered(picks: SamplePicks, present: Choice): Choice[] {
  const all: [Choice, boolean][] = [...sizes.map((size): [Choice, boolean] => [size, true]), ["random", picks.random], ["where", picks.condition]];
  return all.flatMap(([choice, can]) => (can || choice === present ? [choice] : []));
}
