import type { Plan, TableEffect, Verb } from "~/api/generated";

export interface PlanSummary {
  counts: Record<Verb, number>;
  /** Tables whose rows are removed from the destination. */
  removed: number;
  /** Sum of what is known. */
  rows: number;
  bytes: number;
  /** How many tables that would be read do not know their rows. */
  unknown: number;
  /** Tables that can go on. */
  open: readonly TableEffect[];
  /** Whether the shape of anything in the destination would change. */
  changesShape: boolean;
  /** Whether something is built anew or removed, so that a plain Enter must not apply it. */
  grave: boolean;
}

export function summarise(plan: Plan): PlanSummary {
  const counts: Record<Verb, number> = { add: 0, change: 0, rebuild: 0, unchanged: 0, blocked: 0 };
  for (const table of plan.tables) counts[table.verb] += 1;
  const open = plan.tables.filter((table) => table.verb !== "blocked");
  // After the first sync only new and changed rows are read: the size of the table says nothing about them.
  const read = open.filter((table) => table.full);
  const removed = plan.left.filter(({ remove }) => remove).length;
  return {
    counts,
    removed,
    rows: sum(read.map((table) => table.rows_estimate ?? 0)),
    bytes: sum(read.map((table) => table.bytes_estimate ?? 0)),
    unknown: read.filter((table) => table.rows_estimate === null).length,
    open,
    changesShape: counts.add + counts.change + counts.rebuild + removed > 0,
    grave: counts.rebuild + removed > 0,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The plan as text for a review: what stands on screen, without its looks. */
export function asText(plan: Plan): string {
  const signs: Record<Verb, string> = { add: "+", change: "~", rebuild: "↻", unchanged: "=", blocked: "!" };
  const lines = [`Plan for ${plan.connection}, made ${plan.made_at}, fingerprint ${plan.fingerprint}`];
  for (const table of plan.tables) {
    lines.push("", `${signs[table.verb]} ${table.table} → ${targetText(table)}`);
    for (const drift of table.drift) lines.push(`    source: ${drift.what}`);
    for (const statement of table.ddl) lines.push(...statement.split("\n").map((line) => `    ${line}`));
    for (const effect of table.effects) lines.push(`    ${effect}`);
    if (table.blocked) lines.push(`    ${table.blocked.message}`);
  }
  for (const table of plan.left) {
    const rows = table.rows === null ? "its rows" : `its ${table.rows} rows`;
    lines.push("", `${table.remove ? "–" : "·"} ${table.table} → ${targetText(table)}`);
    lines.push(`    no longer synced; ${rows} ${table.remove ? "are removed from" : "stay in"} the destination`);
    if (table.remove) lines.push(...table.ddl.map((statement) => `    ${statement}`));
  }
  return `${lines.join("\n")}\n`;
}

export function targetText({ target }: Pick<TableEffect, "target">): string {
  return target.schema ? `${target.schema}.${target.name}` : target.name;
}
