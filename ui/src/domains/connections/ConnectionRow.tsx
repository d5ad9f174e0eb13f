import { Link, useNavigate } from "@tanstack/react-router";
import { ArrowRight, Ellipsis, ListChecks, Pause, Play, Trash2 } from "lucide-react";
import type { ConnectionDraft, ConnectionSummary } from "~/api/generated";
import { isOver, ratesOf, useRunning } from "~/live/runs";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { IconButton } from "~/shared/ui/Button";
import { Progress } from "~/shared/ui/feedback";
import { Menu } from "~/shared/ui/Menu";
import { State } from "~/shared/ui/State";
import { Words } from "~/shared/ui/Words";
import { Activity } from "./Activity";
import { lastSynced } from "./model";
import { RunStrip } from "./RunStrip";

/** The columns of the list, for its head and its rows. */
export const template =
  "grid grid-cols-[148px_minmax(0,1.2fr)_minmax(0,1fr)_96px_64px] @4xl:grid-cols-[148px_minmax(160px,1.2fr)_minmax(160px,1fr)_112px_150px_72px] items-center gap-4 px-6";
/** What is shown only where there is room. */
export const roomy = "hidden @4xl:block";

const nameLook = "block truncate font-medium text-ink no-underline hover:underline";

interface ConnectionRowProps {
  connection: ConnectionSummary;
  onPause: (paused: boolean) => void;
  onRemove: () => void;
}

export function ConnectionRow({ connection, onPause, onRemove }: ConnectionRowProps) {
  const text = useText();
  const format = useFormat();
  const navigate = useNavigate();
  const { name, source, destination, health, reason } = connection;
  const run = useRunning(name);
  const fresh = lastSynced(connection);
  const paused = health === "paused";
  const toPlan = () => void navigate({ to: "/connections/$name/$tab", params: { name, tab: "plan" } });
  return (
    <>
      <div role="presentation" className={`${template} min-h-13 py-1`}>
        <span role="cell" className="min-w-0">
          <State state={health} />
          <Activity connection={connection} full={!run} />
        </span>
        <span role="cell" className="min-w-0">
          <Link to="/connections/$name/$tab" params={{ name, tab: run ? "run" : "overview" }} data-row-link className={nameLook}>
            <bdi>{name}</bdi>
          </Link>
          {reason && <span className="block truncate text-ink-muted" title={reason}><Words>{reason}</Words></span>}
          {connection.paused_since !== null && <PausedSince since={connection.paused_since} />}
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
              paused
                ? { id: "resume", label: text("connections.resume"), icon: Play, onSelect: () => onPause(false) }
                : { id: "pause", label: text("connections.pause"), icon: Pause, onSelect: () => onPause(true) },
              { id: "remove", label: text("connections.remove"), icon: Trash2, danger: true, onSelect: onRemove },
            ]}
          />
        </span>
      </div>
      <RunLine name={name} />
    </>
  );
}

/** Where a run that is under way stands. */
function RunLine({ name }: { name: string }) {
  const text = useText();
  const format = useFormat();
  const run = useRunning(name);
  if (!run) return null;
  const rates = ratesOf(run);
  return (
    <div role="presentation" className="flex items-center gap-3 pe-6 pb-2 ps-[188px] text-run">
      <Progress label={name} className="w-40" />
      <span className="num">
        {text("connections.progress", {
          done: run.tables.filter((table) => isOver(table.state)).length,
          count: run.tables.length,
          rate: rates ? text("run.rowsRate", { rate: format.count(Math.round(rates.read)) }) : text("state.running"),
        })}
      </span>
    </div>
  );
}

function PausedSince({ since }: { since: string }) {
  const text = useText();
  const format = useFormat();
  return (
    <span className="num block truncate text-ink-muted" title={format.moment(since)}>
      {text("connections.pausedSince", { time: format.ago(since) })}
    </span>
  );
}

/** A connection that is being set up, where it was left. */
export function DraftRow({ draft, onRemove }: { draft: ConnectionDraft; onRemove: () => void }) {
  const text = useText();
  const format = useFormat();
  const { name, changed_at: changed } = draft;
  return (
    <div role="presentation" className={`${template} min-h-13 py-1`}>
      <span role="cell">
        <State state="draft" />
      </span>
      <span role="cell" className="min-w-0">
        <Link to="/new" search={{ draft: name }} data-row-link className={nameLook}>
          <bdi>{name}</bdi>
        </Link>
        <span className="num block truncate text-ink-muted" title={format.moment(changed)}>
          {text("drafts.changed", { time: format.ago(changed) })}
        </span>
      </span>
      <span role="cell" className="truncate text-ink-muted">
        {text("drafts.unfinished")}
      </span>
      <span role="cell" className="text-ink-muted">
        {text("connections.never")}
      </span>
      <span role="cell" className={roomy} />
      <span role="cell" className="flex justify-end">
        <IconButton icon={Trash2} label={text("drafts.remove", { name })} onClick={onRemove} />
      </span>
    </div>
  );
}
