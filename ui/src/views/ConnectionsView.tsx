import { Navigate, useNavigate } from "@tanstack/react-router";
import { Cable, Plus } from "lucide-react";
import { useMemo, useState } from "react";
import { useAnswer } from "~/api/client";
import type { ConnectionDraft, ConnectionSummary } from "~/api/generated";
import { ConnectionList } from "~/domains/connections/ConnectionList";
import { type Line, rowsToday, sorted } from "~/domains/connections/model";
import { ranked } from "~/shared/search";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Answer } from "~/shared/ui/Answer";
import { Button } from "~/shared/ui/Button";
import { Empty, Figure, Loading } from "~/shared/ui/feedback";
import { PageHeader, SearchInput, Segments } from "~/shared/ui/layout";

const noDrafts: readonly ConnectionDraft[] = [];

/** Home: everything that is kept in sync, and first what needs a person. */
export function ConnectionsView() {
  const text = useText();
  const navigate = useNavigate();
  const answer = useAnswer("connections.list", null);
  // Connections are shown without waiting for drafts, and also when drafts cannot be read.
  const drafts = useAnswer("drafts.list", null).data ?? noDrafts;
  const project = useAnswer("project.info", null);
  const [query, setQuery] = useState("");
  // A project that has nothing begins with the welcome: not with this view for a moment before it.
  const isFirst = answer.data?.length === 0 && drafts.length === 0;
  if (answer.isPending || (isFirst && project.isPending)) return <Loading doing={text("connections.loading")} />;
  if (isFirst && project.data?.first_launch) return <Navigate to="/welcome" replace />;
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
          connections.length + drafts.length === 0 ? (
            <FirstTime />
          ) : (
            <Overview connections={connections} drafts={drafts} query={query} />
          )
        }
      </Answer>
    </>
  );
}

/** A project without connections that has been welcomed already has two ways on. */
function FirstTime() {
  const text = useText();
  const navigate = useNavigate();
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

type Show = "all" | "needs_you" | "running" | "paused" | "drafts";

const kindOf: Record<Show, (line: Line) => boolean> = {
  all: () => true,
  needs_you: (line) => line.kind === "connection" && (line.connection.health === "needs_you" || line.connection.health === "failing"),
  running: (line) => line.kind === "connection" && line.connection.activity !== "idle",
  paused: (line) => line.kind === "connection" && line.connection.health === "paused",
  drafts: (line) => line.kind === "draft",
};

function wordsOf(line: Line): string {
  if (line.kind === "draft") return line.draft.name;
  const { name, source, destination } = line.connection;
  return `${name} ${source.title} ${destination.title}`;
}

interface OverviewProps {
  connections: readonly ConnectionSummary[];
  drafts: readonly ConnectionDraft[];
  query: string;
}

function Overview({ connections, drafts, query }: OverviewProps) {
  const text = useText();
  const [show, setShow] = useState<Show>("all");
  const lines = useMemo<Line[]>(
    () =>
      sorted([
        ...connections.map((connection) => ({ kind: "connection" as const, connection })),
        ...drafts.map((draft) => ({ kind: "draft" as const, draft })),
      ]),
    [connections, drafts],
  );
  const shown = useMemo(() => ranked(lines.filter(kindOf[show]), query, wordsOf), [lines, show, query]);
  const countOf = (kind: Show) => lines.filter(kindOf[kind]).length;
  const option = (value: Show, label: string) => ({ value, label, count: countOf(value) });
  const rare = (value: Show, label: string) => (countOf(value) > 0 || show === value ? [option(value, label)] : []);
  return (
    <>
      <Figures connections={connections} needYou={countOf("needs_you")} running={countOf("running")} />
      <div className="flex h-10 shrink-0 items-center px-4">
        <Segments
          label={text("connections.filter")}
          value={show}
          onValue={setShow}
          options={[
            option("all", text("connections.all")),
            option("needs_you", text("connections.needsYou")),
            option("running", text("connections.running")),
            ...rare("paused", text("connections.paused")),
            ...rare("drafts", text("connections.drafts")),
          ]}
        />
      </div>
      <Interrupted connections={connections} />
      {shown.length === 0 ? <Empty sentence={text("connections.noMatch")} /> : <ConnectionList lines={shown} />}
    </>
  );
}

function Figures({ connections, needYou, running }: { connections: readonly ConnectionSummary[]; needYou: number; running: number }) {
  const text = useText();
  const format = useFormat();
  const healthy = connections.filter(({ health }) => health === "healthy").length;
  const today = rowsToday(connections);
  return (
    <div className="flex shrink-0 items-center gap-8 border-b border-border px-6 py-4">
      <Figure value={String(healthy)} label={text("connections.healthyCount", { count: connections.length })} />
      <Figure value={format.count(today)} label={text("connections.rowsToday")} title={format.exact(today)} />
      {needYou > 0 && <Figure value={String(needYou)} label={text("connections.needYouCount", { count: needYou })} />}
      {running > 0 && <Figure value={String(running)} label={text("connections.runningCount")} />}
    </div>
  );
}

/** Runs whose process ended before they did: one sentence each, and the way on. */
function Interrupted({ connections }: { connections: readonly ConnectionSummary[] }) {
  const text = useText();
  const navigate = useNavigate();
  return connections
    .filter(({ running, recent }) => running === null && recent.at(-1)?.interrupted)
    .map(({ name }) => (
      <div key={name} role="status" className="flex shrink-0 items-center gap-4 bg-warn-soft px-6 py-2">
        <span className="flex-1">{text("connections.interrupted", { name })}</span>
        <Button
          size="small"
          onClick={() => void navigate({ to: "/connections/$name/$tab", params: { name, tab: "plan" } })}
        >
          {text("connections.continue")}
        </Button>
      </div>
    ));
}
