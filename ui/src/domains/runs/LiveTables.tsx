import { memo } from "react";
import type { LiveTable } from "~/live/runs";
import { isOver } from "~/live/runs";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Fault } from "~/shared/ui/Fault";
import { Progress } from "~/shared/ui/feedback";
import { Cell, HeadRow } from "~/shared/ui/layout";
import { State } from "~/shared/ui/State";
import { faultOf } from "./fault";

const columns = [
  { id: "table", title: "run.column.table" },
  { id: "state", title: "run.column.state" },
  { id: "read", title: "run.column.read", right: true },
  { id: "written", title: "run.column.written", right: true },
  { id: "rejected", title: "run.column.rejected", right: true },
  { id: "rate", title: "run.column.rate", right: true },
  { id: "left", title: "run.column.left", right: true },
  { id: "note", title: "run.column.note" },
] as const;

/** The tables of a run that is under way. Widths are fixed, so that growing figures move nothing. */
export function LiveTables({ tables }: { tables: readonly LiveTable[] }) {
  const text = useText();
  return (
    <table aria-label={text("run.column.table")} className="w-full table-fixed border-collapse">
      <colgroup>
        <col className="w-[20%]" />
        <col className="w-[22%]" />
        <col className="w-24" />
        <col className="w-24" />
        <col className="w-20" />
        <col className="w-24" />
        <col className="w-24" />
        <col />
      </colgroup>
      <thead className="sticky top-0 z-sticky bg-bg">
        <HeadRow columns={columns} />
      </thead>
      <tbody>
        {tables.map((table) => (
          <Row key={table.table} table={table} />
        ))}
      </tbody>
    </table>
  );
}

// Of many tables only those that move are drawn again.
const Row = memo(function Row({ table }: { table: LiveTable }) {
  const text = useText();
  const format = useFormat();
  const begun = table.state !== "queued";
  const figure = (value: number) => (begun ? <span title={format.exact(value)}>{format.count(value)}</span> : null);
  const share = table.estimate && table.estimate > 0 ? table.read / table.estimate : undefined;
  const left =
    table.rate && table.estimate !== null && !isOver(table.state)
      ? Math.max(0, ((table.estimate - table.read) / table.rate) * 1000)
      : null;
  const moving = table.state === "reading" || table.state === "writing";
  return (
    <>
      <tr>
        <Cell className="truncate font-medium">
          <bdi>{table.table}</bdi>
        </Cell>
        <Cell>
          <div className="flex items-center gap-3">
            <State state={table.state} />
            {moving && share !== undefined && <Progress label={table.table} share={share} className="min-w-8 flex-1" />}
            {moving && share !== undefined && <span className="num text-ink-muted">{format.percent(Math.min(share, 1))}</span>}
            {moving && share === undefined && <span className="truncate text-ink-subtle">{text("run.totalUnknown")}</span>}
          </div>
        </Cell>
        <Cell right>{table.read > 0 || isOver(table.state) ? figure(Math.max(table.read, table.committed)) : null}</Cell>
        <Cell right>{table.committed > 0 || isOver(table.state) ? figure(table.committed) : null}</Cell>
        <Cell right className={table.rejected > 0 ? "text-warn" : ""}>
          {figure(table.rejected)}
        </Cell>
        <Cell right>{table.rate === null ? null : `${format.count(Math.round(table.rate))}/s`}</Cell>
        <Cell right>{left === null ? null : format.duration(Math.max(1000, Math.round(left / 1000) * 1000))}</Cell>
        <Cell className="truncate text-ink-muted" title={table.note ?? undefined}>
          {table.note}
        </Cell>
      </tr>
      {table.failure && (
        <tr>
          <td colSpan={columns.length} className="border-b border-border px-6 py-3">
            <Fault fault={faultOf(table.failure)} mild={table.state === "needs_decision"} />
          </td>
        </tr>
      )}
    </>
  );
});
