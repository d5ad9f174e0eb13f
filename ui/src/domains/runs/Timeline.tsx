import clsx from "clsx";
import { Dot, GitCompareArrows, Hand, ListChecks, type LucideIcon, Package, PackageX, Pause, Pencil, RotateCw, Scale, Undo2 } from "lucide-react";
import { useMemo, useState } from "react";
import type { RunSummary, TimelineDiff, TimelineEntry } from "~/api/generated";
import { stateOfRun } from "~/domains/connections/model";
import { grouped } from "~/shared/group";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Button } from "~/shared/ui/Button";
import { Segments } from "~/shared/ui/layout";
import { State } from "~/shared/ui/State";
import { Words } from "~/shared/ui/Words";
import { filtered, type Moment, type Show } from "./moments";

interface TimelineProps {
  /** Newest first. */
  moments: readonly Moment[];
  /** The run whose account is shown. */
  current: string | undefined;
  onOpen: (run: string) => void;
  /** Shows what changed in the configuration. */
  onDiff: (diff: TimelineDiff) => void;
  /** Takes a decision back. */
  onUndo: (entry: number) => void;
  onOlder?: () => void;
}

/** Runs and what else happened, by day. */
export function Timeline({ moments, current, onOpen, onDiff, onUndo, onOlder }: TimelineProps) {
  const text = useText();
  const format = useFormat();
  const [show, setShow] = useState<Show>("all");
  const shown = useMemo(() => filtered(moments, show), [moments, show]);
  const days = useMemo(() => grouped(shown, ({ at }) => format.day(at)), [shown, format]);
  const option = (value: Show, label: string) => ({ value, label, count: filtered(moments, value).length });
  return (
    <div className="flex w-[340px] shrink-0 flex-col border-r border-border">
      <div className="flex h-10 shrink-0 items-center overflow-x-auto border-b border-border px-4">
        <Segments
          label={text("history.filter")}
          value={show}
          onValue={setShow}
          options={[
            option("all", text("history.all")),
            option("runs", text("history.runs")),
            option("trouble", text("history.trouble")),
            option("changes", text("history.changes")),
          ]}
        />
      </div>
      <div role="group" aria-label={text("history.list")} className="min-h-0 flex-1 overflow-auto pb-4">
        {days.map(([day, entries]) => (
          <section key={day}>
            <h2 className="px-6 pt-4 pb-1 text-caption font-medium text-ink-muted">{day}</h2>
            {entries.map((moment) =>
              moment.run ? (
                <RunRow key={moment.run.run} run={moment.run} current={moment.run.run === current} onOpen={onOpen} />
              ) : (
                <EntryRow key={`${moment.at} ${moment.entry.kind} ${moment.entry.text}`} entry={moment.entry} onDiff={onDiff} onUndo={onUndo} />
              ),
            )}
          </section>
        ))}
        {shown.length === 0 && <p className="m-0 px-6 pt-4 text-ink-muted">{text("history.noMatch")}</p>}
        {onOlder && (
          <div className="px-6 pt-4">
            <Button size="small" onClick={onOlder}>
              {text("history.older")}
            </Button>
          </div>
        )}
      </div>
    </div>
  );
}

function RunRow({ run, current, onOpen }: { run: RunSummary; current: boolean; onOpen: (run: string) => void }) {
  const text = useText();
  const format = useFormat();
  return (
    <button
      type="button"
      aria-current={current ? "true" : undefined}
      onClick={() => onOpen(run.run)}
      className={clsx(
        "row-h flex w-full items-center gap-3 border-0 px-6 text-left outline-offset-[-2px]",
        current ? "bg-accent-soft" : "bg-transparent hover:bg-sunken",
      )}
    >
      <span className="num w-16 shrink-0 text-ink-muted" title={format.moment(run.started_at)}>
        {format.clock(run.started_at)}
      </span>
      <State state={stateOfRun(run)} className="min-w-0 flex-1 overflow-hidden" />
      <span className="num shrink-0 text-ink-muted">{text("history.rows", { rows: format.count(run.rows_written) })}</span>
    </button>
  );
}

/** Kinds of entries of a journal; one that is not known here is shown with its words all the same. */
const icons: Readonly<Record<string, LucideIcon>> = {
  drift: GitCompareArrows,
  decision: Hand,
  undone: Undo2,
  plan: ListChecks,
  compare: Scale,
  connector: Package,
  version: Package,
  fell_back: PackageX,
  replay: RotateCw,
  change: Pencil,
  pause: Pause,
};

function EntryRow({ entry, onDiff, onUndo }: { entry: TimelineEntry } & Pick<TimelineProps, "onDiff" | "onUndo">) {
  const text = useText();
  const { id, diff, undo } = entry;
  const format = useFormat();
  const Icon = icons[entry.kind] ?? Dot;
  return (
    <div className="flex items-start gap-3 px-6 py-2">
      <span className="num w-16 shrink-0 text-ink-muted" title={format.moment(entry.at)}>
        {format.clock(entry.at)}
      </span>
      <Icon size={16} strokeWidth={1.5} aria-hidden className="h-5 shrink-0 text-ink-subtle" />
      <span className="min-w-0 flex-1 break-words">
        <Words>{entry.text}</Words>
        {diff && (
          <Button look="quiet" size="small" onClick={() => onDiff(diff)} className="-my-1 ml-1 text-accent">
            {text("history.showDiff")}
          </Button>
        )}
        {undo && id !== null && (
          <Button look="quiet" size="small" onClick={() => onUndo(id)} className="-my-1 ml-1 text-accent">
            {text("history.undo")}
          </Button>
        )}
      </span>
    </div>
  );
}
