import { useNavigate } from "@tanstack/react-router";
import clsx from "clsx";
import { History, ScrollText } from "lucide-react";
import { useMemo, useState } from "react";
import { useAnswer } from "~/api/client";
import type { RunSummary } from "~/api/generated";
import { stateOfRun } from "~/domains/connections/model";
import { ReceiptView } from "~/domains/runs/ReceiptView";
import { grouped } from "~/shared/group";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Answer } from "~/shared/ui/Answer";
import { Button } from "~/shared/ui/Button";
import { Empty } from "~/shared/ui/feedback";
import { Segments } from "~/shared/ui/layout";
import { State } from "~/shared/ui/State";
import type { PartProps } from "./ConnectionView";

const RUNS_FIRST = 100;

/** Every run with its account. */
export function HistoryTab({ name, run }: PartProps) {
  const text = useText();
  const navigate = useNavigate();
  const [limit, setLimit] = useState(RUNS_FIRST);
  const answer = useAnswer("runs.list", { connection: name, limit }, { keep: true });
  return (
    <Answer of={answer} doing={text("history.loading")}>
      {(runs) =>
        runs.length === 0 ? (
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
        ) : (
          <Timeline
            name={name}
            runs={runs}
            picked={run}
            {...(runs.length === limit && { onOlder: () => setLimit(limit * 4) })}
          />
        )
      }
    </Answer>
  );
}

interface TimelineProps {
  name: string;
  runs: readonly RunSummary[];
  picked: string | undefined;
  onOlder?: () => void;
}

function Timeline({ name, runs, picked, onOlder }: TimelineProps) {
  const text = useText();
  const format = useFormat();
  const navigate = useNavigate();
  const [trouble, setTrouble] = useState<"all" | "trouble">("all");
  const shown = useMemo(
    () => (trouble === "all" ? runs : runs.filter((run) => run.outcome !== "succeeded" && run.outcome !== null)),
    [runs, trouble],
  );
  const days = useMemo(() => grouped(shown, (run) => format.day(run.started_at)), [shown, format]);
  const current = picked ?? runs[0]?.run;
  return (
    <div className="flex min-h-0 flex-1">
      <div className="flex w-[340px] shrink-0 flex-col border-r border-border">
        <div className="flex h-10 shrink-0 items-center border-b border-border px-4">
          <Segments
            label={text("history.filter")}
            value={trouble}
            onValue={setTrouble}
            options={[
              { value: "all", label: text("history.all"), count: runs.length },
              { value: "trouble", label: text("history.trouble") },
            ]}
          />
        </div>
        <div role="group" aria-label={text("history.list")} className="min-h-0 flex-1 overflow-auto pb-4">
          {days.map(([day, entries]) => (
            <section key={day}>
              <h2 className="px-6 pt-4 pb-1 text-caption font-medium text-ink-muted">{day}</h2>
              {entries.map((run) => (
                <button
                  key={run.run}
                  type="button"
                  aria-current={run.run === current ? "true" : undefined}
                  onClick={() =>
                    void navigate({
                      to: "/connections/$name/$tab",
                      params: { name, tab: "history" },
                      search: { run: run.run },
                    })
                  }
                  className={clsx(
                    "row-h flex w-full items-center gap-3 border-0 px-6 text-left outline-offset-[-2px]",
                    run.run === current ? "bg-accent-soft" : "bg-transparent hover:bg-sunken",
                  )}
                >
                  <span className="num w-16 shrink-0 text-ink-muted" title={format.moment(run.started_at)}>
                    {format.clock(run.started_at)}
                  </span>
                  <State state={stateOfRun(run)} className="min-w-0 flex-1 overflow-hidden" />
                  <span className="num shrink-0 text-ink-muted">{text("history.rows", { rows: format.count(run.rows_written) })}</span>
                </button>
              ))}
            </section>
          ))}
          {onOlder && (
            <div className="px-6 pt-4">
              <Button size="small" onClick={onOlder}>
                {text("history.older")}
              </Button>
            </div>
          )}
        </div>
      </div>
      {current ? <Account key={current} name={name} run={current} /> : <Empty sentence={text("history.pick")} />}
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
