import type { ConnectionSummary, RunSummary } from "~/api/generated";
import type { StateName } from "~/shared/ui/State";

/** What needs a person comes first; then what runs, then by name. */
const order: readonly StateName[] = ["needs_you", "failing", "late", "draft", "new", "healthy", "paused"];

export function sorted(connections: readonly ConnectionSummary[]): ConnectionSummary[] {
  const rank = ({ health }: ConnectionSummary) => order.indexOf(health);
  return connections.toSorted((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
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
