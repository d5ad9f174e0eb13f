import type { ConnectionDraft, ConnectionSummary, RunSummary } from "~/api/generated";
import type { StateName } from "~/shared/ui/State";

/** What needs a person comes first; then what runs, then by name. */
const order: readonly StateName[] = ["needs_you", "failing", "late", "draft", "new", "healthy", "paused"];

/** A line of the list: a connection, or one that is being set up. */
export type Line = { kind: "connection"; connection: ConnectionSummary } | { kind: "draft"; draft: ConnectionDraft };

export function nameOf(line: Line): string {
  return line.kind === "draft" ? line.draft.name : line.connection.name;
}

export function sorted(lines: readonly Line[]): Line[] {
  const rank = (line: Line) => order.indexOf(line.kind === "draft" ? "draft" : line.connection.health);
  return lines.toSorted((a, b) => rank(a) - rank(b) || nameOf(a).localeCompare(nameOf(b)));
}

export function stateOfRun(run: RunSummary): StateName {
  if (run.interrupted) return "interrupted";
  switch (run.outcome) {
    case null:
      return "running";
    case "succeeded":
      return "done";
    case "succeeded_with_rejected":
      return "done_with_rejected";
    default:
      return run.outcome;
  }
}

/** When data last arrived in full. */
export function lastSynced(connection: ConnectionSummary): string | null {
  const good = connection.recent.findLast(
    (run) => run.outcome === "succeeded" || run.outcome === "succeeded_with_rejected",
  );
  return good?.ended_at ?? null;
}

/** Rows written since midnight. */
export function rowsToday(connections: readonly ConnectionSummary[]): number {
  const since = new Date().setHours(0, 0, 0, 0);
  let rows = 0;
  for (const connection of connections)
    for (const run of connection.recent) if (Date.parse(run.started_at) >= since) rows += run.rows_written;
  return rows;
}
