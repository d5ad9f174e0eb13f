import { ShieldCheck } from "lucide-react";
import { type ReactNode, useMemo } from "react";
import type { Outcome, Receipt, TableReceipt } from "~/api/generated";
import { FellBackNote } from "~/domains/versions/FellBackNote";
import { type MessageId, useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Fault } from "~/shared/ui/Fault";
import { Cell, HeadRow } from "~/shared/ui/layout";
import { State, type StateName } from "~/shared/ui/State";
import { faultOf } from "./fault";

export const outcomes: Record<Outcome, { state: StateName; title: MessageId }> = {
  succeeded: { state: "done", title: "run.succeeded" },
  succeeded_with_rejected: { state: "done_with_rejected", title: "run.succeededWithRejected" },
  needs_decision: { state: "needs_decision", title: "run.needsDecision" },
  stopped: { state: "stopped", title: "run.stopped" },
  failed: { state: "failed", title: "run.failed" },
};

const columns = [
  { id: "table", title: "run.column.table" },
  { id: "state", title: "run.column.state" },
  { id: "read", title: "run.column.read", right: true },
  { id: "written", title: "run.column.written", right: true },
  { id: "deleted", title: "run.column.deleted", right: true },
  { id: "rejected", title: "run.column.rejected", right: true },
  { id: "proof", title: "run.column.proof" },
] as const;

/** The account of a run that ended: the done card with the next steps, then each table with its proof. */
export function ReceiptView({ receipt, actions }: { receipt: Receipt; actions?: ReactNode }) {
  return (
    <div className="min-h-0 flex-1 overflow-auto">
      <DoneCard receipt={receipt} actions={actions} />
      <table className="w-full border-collapse">
        <thead className="sticky top-0 z-sticky bg-bg">
          <HeadRow columns={columns} />
        </thead>
        <tbody>
          {receipt.tables.map((table) => (
            <Row key={table.table} table={table} told={receipt.failure?.message} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function DoneCard({ receipt, actions }: { receipt: Receipt; actions?: ReactNode }) {
  const text = useText();
  const format = useFormat();
  const totals = useMemo(() => totalsOf(receipt), [receipt]);
  const { state, title } = outcomes[receipt.outcome];
  const fine = receipt.outcome === "succeeded" || receipt.outcome === "succeeded_with_rejected";
  const duration = format.duration(receipt.duration_ms);
  const failed = receipt.tables.filter((table) => table.state === "failed").length;
  const summary =
    fine && totals.written === 0 && totals.read === 0
      ? text("run.upToDate", { tables: receipt.tables.length, duration })
      : text("run.doneSummary", { rows: format.exact(totals.written), tables: receipt.tables.length, duration });
  return (
    <div role="status" className="flex flex-col gap-3 border-b border-border px-6 py-5">
      <div className="flex items-center gap-4">
        <div className="min-w-0 flex-1">
          <State state={state} word={text(title)} className="text-title font-semibold" />
          <p className="num m-0 mt-1">
            {summary} {fine && <span className="font-medium text-ok">{text("run.accounted")}</span>}
          </p>
          {totals.rejected > 0 && <p className="m-0 text-warn">{text("run.rejectedSummary", { rows: totals.rejected })}</p>}
          {failed > 0 && <p className="m-0 text-bad">{text("run.failedTables", { count: failed })}</p>}
        </div>
        {actions && <div className="flex shrink-0 gap-2">{actions}</div>}
      </div>
      {receipt.fell_back && <FellBackNote what={receipt.fell_back} />}
      {receipt.failure && <Fault fault={faultOf(receipt.failure)} />}
    </div>
  );
}

export function totalsOf(receipt: Receipt): { read: number; written: number; rejected: number } {
  const total = { read: 0, written: 0, rejected: 0 };
  for (const table of receipt.tables) {
    total.read += table.rows_read;
    total.written += table.rows_written;
    total.rejected += table.rows_rejected;
  }
  return total;
}

/** `told`: what is said already about the run as a whole. */
function Row({ table, told }: { table: TableReceipt; told: string | undefined }) {
  const text = useText();
  const format = useFormat();
  return (
    <>
      <tr>
        <Cell className="font-medium">
          <bdi>{table.table}</bdi>
        </Cell>
        <Cell>
          <State state={table.state} />
        </Cell>
        <Cell right>{format.exact(table.rows_read)}</Cell>
        <Cell right>{format.exact(table.rows_written)}</Cell>
        <Cell right>{format.exact(table.rows_deleted)}</Cell>
        <Cell right className={table.rows_rejected > 0 ? "text-warn" : ""}>
          {format.exact(table.rows_rejected)}
        </Cell>
        <Cell className="whitespace-normal! text-ink-muted">
          <Proof table={table} />
          {table.resumed && <span className="ms-2">{text("run.resumed")}</span>}
        </Cell>
      </tr>
      {table.failure && table.failure.message !== told && (
        <tr>
          <td colSpan={columns.length} className="border-b border-border px-6 py-3">
            <Fault fault={faultOf(table.failure)} mild={table.state === "needs_decision"} />
          </td>
        </tr>
      )}
    </>
  );
}

function Proof({ table }: { table: TableReceipt }) {
  const text = useText();
  const format = useFormat();
  const { count, checksum } = table.proof;
  if (!count && !checksum) return null;
  return (
    <span className="inline-flex items-center gap-2 whitespace-nowrap">
      <ShieldCheck size={16} strokeWidth={1.5} aria-hidden className="text-ok" />
      {checksum ? (
        text("run.proofChecksum")
      ) : (
        <span title={count ? text("run.proofCount", { rows: format.exact(count.committed) }) : undefined}>{text("run.counted")}</span>
      )}
    </span>
  );
}
