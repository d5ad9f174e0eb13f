import { Link } from "@tanstack/react-router";
import { ArrowDown, GitCompareArrows, House, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import type { TableStatus } from "~/api/generated";
import { VersionFacts } from "~/domains/versions/VersionFacts";
import { lastSynced } from "~/domains/connections/model";
import { RunStrip } from "~/domains/connections/RunStrip";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Sparkline } from "~/shared/ui/charts";
import { Figure } from "~/shared/ui/feedback";
import { Cell, HeadRow } from "~/shared/ui/layout";
import { Words } from "~/shared/ui/Words";
import { State } from "~/shared/ui/State";
import type { PartProps } from "./ConnectionView";

const RUNS_SHOWN = 30;

const columns = [
  { id: "table", title: "connection.column.table" },
  { id: "state", title: "connection.column.state" },
  { id: "mode", title: "connection.column.mode" },
  { id: "key", title: "connection.column.key" },
  { id: "cursor", title: "connection.column.cursor" },
  { id: "rows", title: "connection.column.rows", right: true },
  { id: "change", title: "connection.column.change", right: true },
] as const;

/** How it goes, at a glance: last sync, last runs, each table. */
export function OverviewTab({ name, detail }: PartProps) {
  const text = useText();
  const format = useFormat();
  const { summary, tables } = detail;
  const fresh = lastSynced(summary);
  const recent = summary.recent.slice(-RUNS_SHOWN);
  return (
    <div className="flex min-h-0 flex-1">
      <div className="flex min-w-0 flex-1 flex-col overflow-auto">
        <div className="flex flex-wrap items-center gap-x-12 gap-y-4 px-6 py-5">
          <Figure value={fresh ? format.ago(fresh) : text("connections.never")} label={text("connection.lastSync")} {...(fresh && { title: format.moment(fresh) })} />
          {recent.length > 0 && (
            <>
              <Trend label={text("connection.lastRuns", { count: recent.length })}>
                <RunStrip runs={recent} label={text("connection.lastRuns", { count: recent.length })} />
              </Trend>
              <Trend label={text("connection.rowsWritten", { count: recent.length })}>
                <Sparkline label={text("connection.rowsWritten", { count: recent.length })} values={recent.map((run) => run.rows_written)} />
              </Trend>
            </>
          )}
        </div>
        {summary.reason && <p className="m-0 px-6 pb-4 text-warn"><Words>{summary.reason}</Words></p>}
        <table className="w-full border-collapse border-t border-border">
          <thead>
            <HeadRow columns={columns} />
          </thead>
          <tbody>
            {tables.map((table) => (
              <TableRow key={table.table} name={name} table={table} />
            ))}
          </tbody>
        </table>
      </div>
      <aside aria-label={text("connection.about")} className="flex w-[232px] shrink-0 flex-col gap-6 overflow-auto border-s border-border p-5">
        <section className="flex flex-col gap-2">
          <h2 className="text-heading">{text("connection.about")}</h2>
          <SystemLine title={summary.source.title} detail={detail.source_summary} />
          <span className="flex items-center gap-2 text-ink-muted">
            <ArrowDown size={16} strokeWidth={1.5} aria-hidden />
            {text("common.tables", { count: tables.length })}
          </span>
          <SystemLine title={summary.destination.title} detail={detail.destination_summary} />
        </section>
        <dl className="m-0 grid grid-cols-[auto_1fr] gap-x-3 gap-y-2">
          <dt className="text-ink-muted">{text("connection.place")}</dt>
          <dd className="m-0 flex items-center gap-2">
            <House size={16} strokeWidth={1.5} aria-hidden />
            {text("shell.thisComputer")}
          </dd>
          <VersionFacts connection={name} />
          {detail.path && (
            <>
              <dt className="text-ink-muted">{text("connection.config")}</dt>
              <dd className="m-0 font-mono text-code break-all">{detail.path}</dd>
            </>
          )}
        </dl>
        {(summary.inbox > 0 || summary.quarantined > 0) && (
          <section className="flex flex-col gap-2">
            <h2 className="text-heading">{text("connection.waiting")}</h2>
            {summary.inbox > 0 && (
              <Link to="/inbox" search={{ connection: name }} className="flex items-center gap-2 text-new">
                <GitCompareArrows size={16} strokeWidth={1.5} aria-hidden />
                {text("connection.inbox", { count: summary.inbox })}
              </Link>
            )}
            {summary.quarantined > 0 && (
              <Link to="/connections/$name/$tab" params={{ name, tab: "rejected" }} className="flex items-center gap-2 text-warn">
                <TriangleAlert size={16} strokeWidth={1.5} aria-hidden />
                {text("connection.quarantined", { count: summary.quarantined })}
              </Link>
            )}
          </section>
        )}
      </aside>
    </div>
  );
}

function Trend({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="flex flex-col gap-1">
      <span className="text-caption text-ink-muted">{label}</span>
      <div className="flex h-6 items-end">{children}</div>
    </div>
  );
}

function SystemLine({ title, detail }: { title: string; detail: string }) {
  return (
    <span>
      <span className="block font-medium">{title}</span>
      <bdi className="block break-all text-ink-muted">{detail}</bdi>
    </span>
  );
}

function TableRow({ name, table }: { name: string; table: TableStatus }) {
  const text = useText();
  const format = useFormat();
  const last = table.last;
  return (
    <tr className="hover:bg-sunken">
      <Cell>
        <Link
          to="/connections/$name/$tab"
          params={{ name, tab: "data" }}
          search={{ table: table.table }}
          className="font-medium text-ink no-underline hover:underline"
        >
          <bdi>{table.table}</bdi>
        </Link>
      </Cell>
      <Cell>
        <State state={last ? last.state : "new"} />
      </Cell>
      <Cell className="text-ink-muted">{table.mode && text(`plan.mode.${table.mode.mode}`)}</Cell>
      <Cell className="text-ink-muted">
        {table.key.length > 0 ? <bdi>{table.key.join(", ")}</bdi> : <span className="text-ink-subtle">{text("connection.noKey")}</span>}
      </Cell>
      <Cell className="text-ink-muted">
        {table.cursor ? <bdi>{table.cursor}</bdi> : <span className="text-ink-subtle">{text("connection.everything")}</span>}
      </Cell>
      <Cell right title={table.rows === null ? undefined : format.exact(table.rows)}>
        {table.rows === null ? null : format.count(table.rows)}
      </Cell>
      <Cell right className="text-ink-muted">
        {last && `+${format.count(last.rows_written)}`}
      </Cell>
    </tr>
  );
}
