import type { RunSummary, TimelineEntry } from "~/api/generated";

/** Something in the history of a connection: a run, or something else that happened. */
export type Moment = { at: string; run: RunSummary; entry: null } | { at: string; run: null; entry: TimelineEntry };

export type Show = "all" | "runs" | "trouble" | "changes";

export function isTrouble({ outcome, interrupted }: RunSummary): boolean {
  return interrupted || (outcome !== null && outcome !== "succeeded");
}

const kept: Record<Show, (moment: Moment) => boolean> = {
  all: () => true,
  runs: ({ run }) => run !== null,
  trouble: ({ run }) => run !== null && isTrouble(run),
  changes: ({ entry }) => entry !== null,
};

export function filtered(moments: readonly Moment[], show: Show): Moment[] {
  return moments.filter(kept[show]);
}

/** Runs and everything else in one list, newest first. `complete`: there are no older runs than these; otherwise what
 * happened before them waits until they are shown, since it would stand beside the wrong ones. */
export function merged(runs: readonly RunSummary[], entries: readonly TimelineEntry[], complete: boolean): Moment[] {
  const moments: Moment[] = [
    ...runs.map((run) => ({ at: run.started_at, run, entry: null })),
    ...entries.map((entry) => ({ at: entry.at, run: null, entry })),
  ];
  const from = complete ? -Infinity : Math.min(...runs.map(({ started_at }) => Date.parse(started_at)));
  return moments
    .filter(({ at }) => Date.parse(at) >= from)
    .toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at));
}
