import { Link, Navigate, useNavigate } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowRight, Cable, Ellipsis, ListChecks, Plus, Trash2 } from "lucide-react";
import { type KeyboardEvent, useMemo, useRef, useState } from "react";
import { useAnswer } from "~/api/client";
import type { ConnectionSummary } from "~/api/generated";
import { lastSynced, rowsToday, sorted } from "~/domains/connections/model";
import { RemoveDialog } from "~/domains/connections/RemoveDialog";
import { RunStrip } from "~/domains/connections/RunStrip";
import { isOver, ratesOf, useRunning } from "~/live/runs";
import { ranked } from "~/shared/search";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Answer } from "~/shared/ui/Answer";
import { Button, IconButton } from "~/shared/ui/Button";
import { Empty, Figure, Progress } from "~/shared/ui/feedback";
import { PageHeader, SearchInput, Segments } from "~/shared/ui/layout";
import { Menu } from "~/shared/ui/Menu";
import { Words } from "~/shared/ui/Words";
import { State } from "~/shared/ui/State";

/** Home: everything that is kept in sync, and first what needs a person. */
export function ConnectionsView() {
  const text = useText();
  const navigate = useNavigate();
  const answer = useAnswer("connections.list", null);
  const [query, setQuery] = useState("");
  return (
    <>
      <PageHeader title={text("connections.title")}>
        <SearchInput label={text("connections.search")} value={query} onValue={setQuery} className="w-60" />
        <Button look="primary" icon={Plus} shortcut="mod+n" onClick={() => void navigate({ to: "/new" })}>
          {text("connections.new")}
        </Button>
      </PageHeader>
      <Answer of={answer} doing={text("connections.loading")}>
        {(connections) =>
          connections.length === 0 ? <FirstTime /> : <Overview connections={connections} query={query} />
        }
      </Answer>
    </>
  );
}

/** A project without connections begins with the welcome, once; afterwards with two ways on. */
function FirstTime() {
  const text = useText();
  const navigate = useNavigate();
  const project = useAnswer("project.info", null);
  if (project.data?.first_launch) return <Navigate to="/welcome" replace />;
  return (
    <Empty
      icon={Cable}
      sentence={text("connections.empty")}
      actions={
        <>
          <Button look="primary" onClick={() => void navigate({ to: "/welcome" })}>
            {text("connections.trySample")}
          </Button>
          <Button onClick={() => void navigate({ to: "/new" })}>{text("connections.connectOwn")}</Button>
        </>
      }
    />
  );
}

type Show = "all" | "needs_you" | "running" | "paused";

function needsYou({ health }: ConnectionSummary): boolean {
  return health === "needs_you" || health === "failing";
}

function Overview({ connections, query }: { connections: readonly ConnectionSummary[]; query: string }) {
  const text = useText();
  const format = useFormat();
  const navigate = useNavigate();
  const [show, setShow] = useState<Show>("all");
  const kinds = useMemo<Record<Show, ConnectionSummary[]>>(
    () => ({
      all: [...connections],
      needs_you: connections.filter(needsYou),
      running: connections.filter(({ running }) => running !== null),
      paused: connections.filter(({ health }) => health === "paused"),
    }),
    [connections],
  );
  const shown = useMemo(
    () => ranked(sorted(kinds[show]), query, ({ name, source, destination }) => `${name} ${source.title} ${destination.title}`),
    [kinds, show, query],
  );
  const healthy = connections.filter(({ health }) => health === "healthy").length;
  const today = rowsToday(connections);
  const interrupted = connections.filter(({ running, recent }) => running === null && recent.at(-1)?.interrupted);
  const option = (value: Show, label: string) => ({ value, label, count: kinds[value].length });
  return (
    <>
      <div className="flex shrink-0 items-center gap-8 border-b border-border px-6 py-4">
        <Figure
          value={String(healthy)}
          label={text("connections.healthyCount", { count: connections.length })}
        />
        <Figure value={format.count(today)} label={text("connections.rowsToday")} title={format.exact(today)} />
        {kinds.needs_you.length > 0 && (
          <Figure value={String(kinds.needs_you.length)} label={text("connections.needYouCount", { count: kinds.needs_you.length })} />
        )}
        {kinds.running.length > 0 && (
          <Figure value={String(kinds.running.length)} label={text("connections.runningCount")} />
        )}
      </div>
      <div className="flex h-10 shrink-0 items-center px-4">
        <Segments
          label={text("connections.filter")}
          value={show}
          onValue={setShow}
          options={[
            option("all", text("connections.all")),
            option("needs_you", text("connections.needsYou")),
            option("running", text("connections.running")),
            ...(kinds.paused.length > 0 ? [option("paused", text("connections.paused"))] : []),
          ]}
        />
      </div>
      {interrupted.map(({ name }) => (
        <div key={name} role="status" className="flex shrink-0 items-center gap-4 bg-warn-soft px-6 py-2">
          <span className="flex-1">{text("connections.interrupted", { name })}</span>
          <Button
            size="small"
            onClick={() => void navigate({ to: "/connections/$name/$tab", params: { name, tab: "plan" } })}
          >
            {text("connections.continue")}
          </Button>
        </div>
      ))}
      {shown.length === 0 ? <Empty sentence={text("connections.noMatch")} /> : <List connections={shown} />}
    </>
  );
}

const template =
  "grid grid-cols-[148px_minmax(0,1.2fr)_minmax(0,1fr)_96px_64px] @4xl:grid-cols-[148px_minmax(160px,1.2fr)_minmax(160px,1fr)_112px_150px_72px] items-center gap-4 px-6";
const roomy = "hidden @4xl:block";

function List({ connections }: { connections: readonly ConnectionSummary[] }) {
  const text = useText();
  const scroller = useRef<HTMLDivElement>(null);
  const [removing, setRemoving] = useState<string | null>(null);
  const rows = useVirtualizer({
    count: connections.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 52,
    getItemKey: (at) => connections[at]?.name ?? at,
    overscan: 8,
  });
  // Arrow keys go from row to row; Tab still reaches everything inside.
  const onKey = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined || !(event.target instanceof HTMLElement)) return;
    const links = [...(scroller.current?.querySelectorAll<HTMLElement>("[data-row-link]") ?? [])];
    const at = links.indexOf(event.target);
    if (at < 0) return;
    event.preventDefault();
    links[at + step]?.focus();
  };
  return (
    <div role="table" aria-label={text("connections.title")} aria-rowcount={connections.length + 1} className="@container flex min-h-0 flex-1 flex-col">
      <div role="row" aria-rowindex={1} className={`${template} h-8 shrink-0 border-b border-border text-caption font-medium text-ink-muted`}>
        <span role="columnheader">{text("connections.column.state")}</span>
        <span role="columnheader">{text("connections.column.name")}</span>
        <span role="columnheader">{text("connections.column.route")}</span>
        <span role="columnheader">{text("connections.column.fresh")}</span>
        <span role="columnheader" className={roomy}>
          {text("connections.column.recent")}
        </span>
        <span role="columnheader" className="sr-only">
          {text("connections.column.actions")}
        </span>
      </div>
      {/* Arrow keys are an addition: links and buttons in the rows are reached by Tab as well. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
      <div ref={scroller} role="rowgroup" onKeyDown={onKey} className="min-h-0 flex-1 overflow-auto">
        <div role="presentation" className="relative" style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map((item) => {
            const connection = connections[item.index];
            if (!connection) return null;
            return (
              <div
                key={item.key}
                role="row"
                aria-rowindex={item.index + 2}
                data-index={item.index}
                ref={rows.measureElement}
                className="absolute right-0 left-0 border-b border-border hover:bg-sunken"
                style={{ top: item.start }}
              >
                <Row connection={connection} onRemove={() => setRemoving(connection.name)} />
              </div>
            );
          })}
        </div>
      </div>
      <RemoveDialog name={removing} onClose={() => setRemoving(null)} />
    </div>
  );
}

function Row({ connection, onRemove }: { connection: ConnectionSummary; onRemove: () => void }) {
  const text = useText();
  const format = useFormat();
  const navigate = useNavigate();
  const { name, source, destination, health, reason } = connection;
  const run = useRunning(name);
  const fresh = lastSynced(connection);
  const rates = run && ratesOf(run);
  const toPlan = () => void navigate({ to: "/connections/$name/$tab", params: { name, tab: "plan" } });
  return (
    <>
      <div role="presentation" className={`${template} min-h-13 py-1`}>
        <span role="cell">
          <State state={health} />
        </span>
        <span role="cell" className="min-w-0">
          <Link
            to="/connections/$name/$tab"
            params={{ name, tab: run ? "run" : "overview" }}
            data-row-link
            className="block truncate font-medium text-ink no-underline hover:underline"
          >
            <bdi>{name}</bdi>
          </Link>
          {reason && <span className="block truncate text-ink-muted" title={reason}><Words>{reason}</Words></span>}
        </span>
        <span role="cell" className="flex min-w-0 items-center gap-2 truncate text-ink-muted">
          {source.title}
          <ArrowRight size={12} strokeWidth={1.75} aria-hidden className="shrink-0" />
          {destination.title}
        </span>
        <span role="cell" className="num text-ink-muted" title={fresh ? format.moment(fresh) : undefined}>
          {fresh ? format.ago(fresh) : text("connections.never")}
        </span>
        <span role="cell" className={roomy}>
          <RunStrip runs={connection.recent} label={text("connections.column.recent")} most={16} />
        </span>
        <span role="cell" className="flex justify-end">
          <IconButton icon={ListChecks} label={text("connections.plan")} onClick={toPlan} />
          <Menu
            trigger={<IconButton icon={Ellipsis} label={text("common.more")} />}
            items={[
              { id: "plan", label: text("connections.plan"), icon: ListChecks, onSelect: toPlan },
              { id: "remove", label: text("connections.remove"), icon: Trash2, danger: true, onSelect: onRemove },
            ]}
          />
        </span>
      </div>
      {run && (
        <div role="presentation" className="flex items-center gap-3 pr-6 pb-2 pl-[188px] text-run">
          <Progress label={name} className="w-40" />
          <span className="num">
            {text("connections.progress", {
              done: run.tables.filter((table) => isOver(table.state)).length,
              count: run.tables.length,
              rate: rates ? text("run.rowsRate", { rate: format.count(Math.round(rates.read)) }) : text("state.running"),
            })}
          </span>
        </div>
      )}
    </>
  );
}
