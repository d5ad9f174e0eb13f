import { useNavigate } from "@tanstack/react-router";
import { Play, SquareTerminal, Table2 } from "lucide-react";
import { use, useCallback, useMemo, useState } from "react";
import { useAction, useAnswer } from "~/api/client";
import type { ConnectionDetail, Receipt } from "~/api/generated";
import { ReceiptView, totalsOf } from "~/domains/runs/ReceiptView";
import { type Ending, RunMonitor } from "~/domains/runs/RunMonitor";
import { type LiveRun, useLiveRuns, useRunning } from "~/live/runs";
import { useText } from "~/shared/text";
import { Answer } from "~/shared/ui/Answer";
import { Button } from "~/shared/ui/Button";
import { Empty, Loading } from "~/shared/ui/feedback";
import { FixContext } from "~/shared/ui/fixes";
import { Problem } from "~/shared/ui/Problem";
import type { PartProps } from "./ConnectionView";

/** The run that is under way, or the account of the one the address names, or else of the last one. */
export function RunTab({ name, detail, run }: PartProps) {
  const text = useText();
  const running = useRunning(name);
  const named = useLiveRuns(({ runs }) => (run ? runs[run] : undefined));
  const live = named ?? running;
  if (live && !live.receipt) return <UnderWay key={live.run} run={live} stopping={detail.summary.activity === "stopping"} />;
  if (live?.receipt) return <Ended name={name} detail={detail} receipt={live.receipt} />;
  const stored = run ?? detail.summary.recent.at(-1)?.run;
  if (stored) return <Stored name={name} detail={detail} run={stored} />;
  return <Empty sentence={text("connection.noRuns")} />;
}

/** `stopping`: asked for in another window, or before this page was opened. */
function UnderWay({ run, stopping }: { run: LiveRun; stopping: boolean }) {
  const pause = useAction("run.pause");
  const stop = useAction("run.stop");
  const hurry = useAction("run.hurry");
  const navigate = useNavigate();
  // The request is answered at once; the run ends some time later.
  const [asked, setAsked] = useState<Ending>(null);
  const { run: askPause } = pause;
  const onPause = useCallback(async () => {
    if ((await askPause({ run: run.run })) !== undefined) setAsked((now) => now ?? "pausing");
  }, [askPause, run.run]);
  const onStop = async () => {
    if ((await stop.run({ run: run.run })) !== undefined) setAsked("stopping");
  };
  const onLog = () =>
    void navigate({ to: "/connections/$name/$tab", params: { name: run.connection, tab: "log" }, search: { run: run.run } });
  const error = stop.error ?? pause.error ?? hurry.error;
  return (
    <RunMonitor
      run={run}
      ending={asked ?? (stop.pending || stopping ? "stopping" : pause.pending ? "pausing" : null)}
      onPause={onPause}
      onStop={() => void onStop()}
      onHurry={() => void hurry.run({ run: run.run })}
      onLog={onLog}
      problem={error !== null && <Problem error={error} />}
    />
  );
}

function Stored({ name, detail, run }: { name: string; detail: ConnectionDetail; run: string }) {
  const text = useText();
  const underWay = detail.summary.running === run;
  const answer = useAnswer("run.get", { run }, { enabled: !underWay });
  // Started, but nothing heard yet: the first event is on its way.
  if (underWay) return <Loading doing={text("run.syncing")} />;
  return (
    <Answer of={answer} doing={text("run.syncing")}>
      {(receipt) => <Ended name={name} detail={detail} receipt={receipt} />}
    </Answer>
  );
}

/** The account of a run with what one does next. */
export function Ended({ name, detail, receipt }: { name: string; detail: ConnectionDetail; receipt: Receipt }) {
  const text = useText();
  const navigate = useNavigate();
  const rejected = totalsOf(receipt).rejected;
  const again = receipt.outcome === "failed" || receipt.outcome === "stopped";
  const to = (tab: "data" | "plan" | "rejected" | "log") => () =>
    void navigate({ to: "/connections/$name/$tab", params: { name, tab }, search: tab === "log" ? { run: receipt.run } : {} });
  // What failed is tried again by the next run, which goes on where this one stopped.
  const around = use(FixContext);
  const fixes = useMemo(
    () => ({
      ...around,
      try_again: [
        { label: text("run.continue"), run: () => void navigate({ to: "/connections/$name/$tab", params: { name, tab: "plan" } }) },
      ],
    }),
    [around, text, navigate, name],
  );
  return (
    <FixContext value={fixes}>
    <ReceiptView
      receipt={receipt}
      actions={
        <>
          {detail.summary.source.connector === "sample" && !again && (
            <Button onClick={() => void navigate({ to: "/new" })}>{text("run.connectOwn")}</Button>
          )}
          {rejected > 0 && <Button onClick={to("rejected")}>{text("run.showRejected")}</Button>}
          {again && <Button onClick={to("log")}>{text("run.openLog")}</Button>}
          {detail.summary.destination.connector === "duckdb" && !again && (
            <Button
              icon={SquareTerminal}
              onClick={() => void navigate({ to: "/sql", search: { destination: detail.summary.destination.name } })}
            >
              {text("run.query")}
            </Button>
          )}
          {again ? (
            <Button look="primary" icon={Play} onClick={to("plan")}>
              {text("run.continue")}
            </Button>
          ) : (
            <Button look="primary" icon={Table2} onClick={to("data")}>
              {text("run.look")}
            </Button>
          )}
        </>
      }
    />
    </FixContext>
  );
}
