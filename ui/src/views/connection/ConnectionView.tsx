import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { ChevronLeft, Ellipsis, ListChecks, Pause, Play, Trash2 } from "lucide-react";
import { lazy, Suspense, useMemo, useState } from "react";
import { useAnswer } from "~/api/client";
import type { ConnectionDetail } from "~/api/generated";
import { Activity } from "~/domains/connections/Activity";
import { usePause } from "~/domains/connections/pause";
import { RemoveDialog } from "~/domains/connections/RemoveDialog";
import { useIsRunning } from "~/live/runs";
import { type Command, useCommands } from "~/shared/commands";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Answer } from "~/shared/ui/Answer";
import { Button, IconButton } from "~/shared/ui/Button";
import { type FixButtons, FixContext } from "~/shared/ui/fixes";
import { PageHeader } from "~/shared/ui/layout";
import { Menu } from "~/shared/ui/Menu";
import { Problem } from "~/shared/ui/Problem";
import { State } from "~/shared/ui/State";
import { Tabs } from "~/shared/ui/Tabs";
import type { ConnectionTab } from "../router";
import { useOpenSystem } from "../places";
import { CompareTab } from "./CompareTab";
import { DataTab } from "./DataTab";
import { HistoryTab } from "./HistoryTab";
import { LogTab } from "./LogTab";
import { OverviewTab } from "./OverviewTab";
import { PlanTab } from "./PlanTab";
import { PreviewTab } from "./PreviewTab";
import { RejectedTab } from "./RejectedTab";
import { RunTab } from "./RunTab";

// With the tree of tables, which the first screen does not need.
const TablesTab = lazy(() => import("./TablesTab"));

/** One connection, in parts. */
export function ConnectionView() {
  const text = useText();
  const { name } = useParams({ from: "/connections/$name/$tab" });
  const answer = useAnswer("connections.get", { connection: name });
  return (
    <Answer of={answer} doing={text("connections.loading")}>
      {(detail) => <Loaded key={name} name={name} detail={detail} />}
    </Answer>
  );
}

/** These parts have a primary action of their own. */
const quiet: ReadonlySet<ConnectionTab> = new Set(["plan", "run", "rejected", "compare"]);

function Loaded({ name, detail }: { name: string; detail: ConnectionDetail }) {
  const text = useText();
  const navigate = useNavigate();
  const { tab } = useParams({ from: "/connections/$name/$tab" });
  const search = useSearch({ from: "/connections/$name/$tab" });
  const running = useIsRunning(name);
  const [removing, setRemoving] = useState(false);
  const { summary } = detail;
  const paused = detail.summary.paused_since !== null;
  const pause = usePause();
  const setPaused = pause.set;

  const commands = useMemo<Command[]>(() => {
    const go = (to: ConnectionTab) => void navigate({ to: "/connections/$name/$tab", params: { name, tab: to } });
    return [
      {
        id: "connection.sync",
        title: text("command.sync", { name }),
        group: "run",
        icon: Play,
        shortcut: "mod+r",
        run: () => go(running ? "run" : "plan"),
      },
      {
        id: "connection.plan",
        title: text("command.plan", { name }),
        group: "run",
        icon: ListChecks,
        shortcut: "mod+shift+p",
        run: () => go("plan"),
      },
      {
        id: "connection.pause",
        title: text(paused ? "command.resume" : "command.pause", { name }),
        group: "run",
        icon: paused ? Play : Pause,
        // While a run is under way, this key pauses the run.
        ...(!running && { shortcut: "mod+." as const }),
        run: () => void setPaused(name, !paused),
      },
      { id: "connection.history", title: text("connection.history"), group: "navigate", shortcut: "mod+y", run: () => go("history") },
      { id: "connection.tables", title: text("command.tables", { name }), group: "navigate", run: () => go("tables") },
      { id: "connection.preview", title: text("connection.preview"), group: "navigate", shortcut: "mod+p", run: () => go("preview") },
      { id: "connection.compare", title: text("connection.compare"), group: "navigate", words: "reconcile verify", run: () => go("compare") },
      { id: "connection.log", title: text("connection.log"), group: "navigate", shortcut: "mod+j", run: () => go("log") },
    ];
  }, [text, navigate, name, running, paused, setPaused]);
  useCommands(commands);

  const fixes = useFixes(detail);
  const open = (to: ConnectionTab) => void navigate({ to: "/connections/$name/$tab", params: { name, tab: to } });
  return (
    <FixContext value={fixes}>
      <PageHeader
        lead={
          <Link to="/" aria-label={text("shell.toConnections")} className="flex text-ink-muted hover:text-ink">
            <ChevronLeft size={16} strokeWidth={1.5} aria-hidden />
          </Link>
        }
        title={
          <span className="flex items-center gap-3">
            <bdi>{name}</bdi>
            <State state={summary.health} soft />
            <Activity
              // The run is heard here a moment before the list is asked again.
              connection={running && summary.activity === "idle" ? { activity: "running", activity_text: null } : summary}
            />
          </span>
        }
      >
        <Button look={quiet.has(tab) || running ? "secondary" : "primary"} icon={Play} shortcut="mod+r" onClick={() => open(running ? "run" : "plan")}>
          {text(running ? "connection.showRun" : "connections.syncNow")}
        </Button>
        <Menu
          trigger={<IconButton icon={Ellipsis} label={text("common.more")} />}
          items={[
            {
              id: "pause",
              label: text(paused ? "connections.resume" : "connections.pause"),
              icon: paused ? Play : Pause,
              onSelect: () => void setPaused(name, !paused),
            },
            { id: "remove", label: text("connections.remove"), icon: Trash2, danger: true, onSelect: () => setRemoving(true) },
          ]}
        />
      </PageHeader>
      {pause.error !== null && <Problem error={pause.error} className="mx-6 my-3" />}
      {detail.summary.paused_since !== null && (
        <PausedNotice since={detail.summary.paused_since} busy={pause.pending} onResume={() => void setPaused(name, false)} />
      )}
      <Tabs
        label={text("connection.tabs", { name })}
        value={tab}
        onValue={open}
        tabs={[
          { value: "overview", label: text("connection.overview") },
          ...(running || tab === "run" ? [{ value: "run" as const, label: text("connection.run") }] : []),
          { value: "data", label: text("connection.data") },
          { value: "tables", label: text("connection.tables") },
          { value: "preview", label: text("connection.preview") },
          { value: "plan", label: text("connection.plan") },
          { value: "history", label: text("connection.history") },
          { value: "compare", label: text("connection.compare") },
          { value: "log", label: text("connection.log") },
          { value: "rejected", label: text("connection.quarantine"), count: summary.quarantined },
        ]}
      >
        <Part tab={tab} name={name} detail={detail} run={search.run} table={search.table} column={search.column} reread={search.reread} />
      </Tabs>
      <RemoveDialog
        name={removing ? name : null}
        onClose={() => setRemoving(false)}
        onRemoved={() => void navigate({ to: "/" })}
      />
    </FixContext>
  );
}

/** What this screen can do about a failure. Where nobody knows which side it is about, both are offered. */
function useFixes({ summary: { name, source, destination } }: ConnectionDetail): FixButtons {
  const text = useText();
  const navigate = useNavigate();
  const openSystem = useOpenSystem();
  return useMemo(() => {
    const tab = (to: ConnectionTab) => () => void navigate({ to: "/connections/$name/$tab", params: { name, tab: to } });
    return {
      edit_settings: [
        { label: text("fix.editSettings", { name: source.name }), side: "source", run: () => openSystem("source", source.name) },
        { label: text("fix.editSettings", { name: destination.name }), side: "destination", run: () => openSystem("destination", destination.name) },
      ],
      open_inbox: [{ label: text("fix.openInbox"), run: () => void navigate({ to: "/inbox", search: { connection: name } }) }],
      open_rejected: [{ label: text("fix.openRejected"), run: tab("rejected") }],
      make_plan: [{ label: text("fix.makePlan"), run: tab("plan") }],
    };
  }, [text, navigate, openSystem, name, source.name, destination.name]);
}

function PausedNotice({ since, busy, onResume }: { since: string; busy: boolean; onResume: () => void }) {
  const text = useText();
  const format = useFormat();
  return (
    <div role="status" className="flex shrink-0 items-center gap-4 border-b border-border bg-sunken px-6 py-2">
      <span className="flex-1" title={format.moment(since)}>
        {text("connections.pausedSince", { time: format.ago(since) })}
      </span>
      <Button size="small" icon={Play} disabled={busy} onClick={onResume}>
        {text("connections.resume")}
      </Button>
    </div>
  );
}

export interface PartProps {
  name: string;
  detail: ConnectionDetail;
  /** The run the address names. */
  run: string | undefined;
  /** The table the address names. */
  table: string | undefined;
  /** The column of it that the address names. */
  column: string | undefined;
  /** The table of which the address wants all rows read again. */
  reread: string | undefined;
}

function Part({ tab, ...props }: PartProps & { tab: ConnectionTab }) {
  switch (tab) {
    case "overview":
      return <OverviewTab {...props} />;
    case "run":
      return <RunTab {...props} />;
    case "data":
      return <DataTab {...props} />;
    case "tables":
      return (
        <Suspense>
          <TablesTab {...props} />
        </Suspense>
      );
    case "preview":
      return <PreviewTab {...props} />;
    case "plan":
      return <PlanTab {...props} />;
    case "history":
      return <HistoryTab {...props} />;
    case "compare":
      return <CompareTab {...props} />;
    case "log":
      return <LogTab {...props} />;
    case "rejected":
      return <RejectedTab {...props} />;
  }
}
