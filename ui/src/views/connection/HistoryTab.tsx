import { useNavigate } from "@tanstack/react-router";
import { History, ScrollText } from "lucide-react";
import { useMemo, useState } from "react";
import { useAction, useAnswer } from "~/api/client";
import type { RunSummary, TimelineDiff, TimelineEntry } from "~/api/generated";
import { DiffDialog } from "~/domains/runs/DiffDialog";
import { ReceiptView } from "~/domains/runs/ReceiptView";
import { ReliabilityBand } from "~/domains/runs/ReliabilityBand";
import { Timeline } from "~/domains/runs/Timeline";
import { merged } from "~/domains/runs/moments";
import { useText } from "~/shared/text";
import { Answer } from "~/shared/ui/Answer";
import { Button } from "~/shared/ui/Button";
import { Empty } from "~/shared/ui/feedback";
import { Problem } from "~/shared/ui/Problem";
import { toast } from "~/shared/ui/toast";
import type { PartProps } from "./ConnectionView";

const RUNS_FIRST = 100;
const nothing: readonly TimelineEntry[] = [];

/** How reliable it was, every run with its account, and what else happened. */
export function HistoryTab({ name, run }: PartProps) {
  const text = useText();
  const [limit, setLimit] = useState(RUNS_FIRST);
  const runs = useAnswer("runs.list", { connection: name, limit }, { keep: true });
  const entries = useAnswer("timeline", { connection: name, limit }, { keep: true });
  return (
    <div className="flex min-h-0 flex-1 flex-col overflow-auto">
      <ReliabilityBand connection={name} />
      <Answer of={runs} doing={text("history.loading")}>
        {(list) => (
          <Loaded
            name={name}
            runs={list}
            entries={entries.data ?? nothing}
            picked={run}
            {...(list.length === limit && { onOlder: () => setLimit(limit * 4) })}
          />
        )}
      </Answer>
    </div>
  );
}

interface LoadedProps {
  name: string;
  runs: readonly RunSummary[];
  entries: readonly TimelineEntry[];
  picked: string | undefined;
  onOlder?: () => void;
}

function Loaded({ name, runs, entries, picked, onOlder }: LoadedProps) {
  const text = useText();
  const navigate = useNavigate();
  const moments = useMemo(() => merged(runs, entries, onOlder === undefined), [runs, entries, onOlder]);
  const current = picked ?? runs[0]?.run;
  const [diff, setDiff] = useState<TimelineDiff | null>(null);
  const undo = useAction("inbox.undo");
  const takeBack = async (entry: number) => {
    if ((await undo.run({ entries: [entry] })) !== undefined) toast({ title: text("history.undone") });
  };
  const open = (run: string) =>
    void navigate({ to: "/connections/$name/$tab", params: { name, tab: "history" }, search: { run } });
  return (
    // In a low window all of it scrolls, instead of leaving no room for the runs.
    <div className="flex min-h-96 flex-1">
      {moments.length > 0 && (
        <Timeline
          moments={moments}
          current={current}
          onOpen={open}
          onDiff={setDiff}
          onUndo={(entry) => void takeBack(entry)}
          {...(onOlder && { onOlder })}
        />
      )}
      <DiffDialog diff={diff} onClose={() => setDiff(null)} />
      {undo.error !== null && <Problem error={undo.error} className="m-6 self-start" />}
      {current ? (
        <Account key={current} name={name} run={current} />
      ) : (
        <Empty
          icon={History}
          sentence={text("history.empty")}
          actions={
            <Button
              look="primary"
              onClick={() => void navigate({ to: "/connections/$name/$tab", params: { name, tab: "plan" } })}
            >
              {text("history.syncNow")}
            </Button>
          }
        />
      )}
    </div>
  );
}

function Account({ name, run }: { name: string; run: string }) {
  const text = useText();
  const navigate = useNavigate();
  const answer = useAnswer("run.get", { run });
  return (
    <div className="flex min-w-0 flex-1 flex-col">
      <Answer of={answer} doing={text("history.loading")}>
        {(receipt) => (
          <ReceiptView
            receipt={receipt}
            actions={
              <Button
                icon={ScrollText}
                onClick={() =>
                  void navigate({ to: "/connections/$name/$tab", params: { name, tab: "log" }, search: { run } })
                }
              >
                {text("history.openLog")}
              </Button>
            }
          />
        )}
      </Answer>
    </div>
  );
}
