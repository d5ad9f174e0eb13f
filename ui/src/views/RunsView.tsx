import { useNavigate } from "@tanstack/react-router";
import { Play } from "lucide-react";
import { useAnswer } from "~/api/client";
import type { RunSummary } from "~/api/generated";
import { stateOfRun } from "~/domains/connections/model";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Answer } from "~/shared/ui/Answer";
import { Button } from "~/shared/ui/Button";
import { Empty } from "~/shared/ui/feedback";
import { Cell, HeadRow, PageHeader } from "~/shared/ui/layout";
import { State } from "~/shared/ui/State";

const RUNS_SHOWN = 200;

const columns = [
  { id: "when", title: "runs.column.when" },
  { id: "connection", title: "runs.column.connection" },
  { id: "result", title: "runs.column.result" },
  { id: "rows", title: "runs.column.rows", right: true },
  { id: "duration", title: "runs.column.duration", right: true },
] as const;

/** The last runs of all connections. */
export function RunsView() {
  const text = useText();
  const navigate = useNavigate();
  const answer = useAnswer("runs.list", { connection: null, limit: RUNS_SHOWN });
  return (
    <>
      <PageHeader title={text("runs.title")} />
      <Answer of={answer} doing={text("history.loading")}>
        {(runs) =>
          runs.length === 0 ? (
            <Empty
              icon={Play}
              sentence={text("runs.empty")}
              actions={
                <Button look="primary" onClick={() => void navigate({ to: "/" })}>
                  {text("shell.toConnections")}
                </Button>
              }
            />
          ) : (
            <div className="min-h-0 flex-1 overflow-auto">
              <table className="w-full border-collapse">
                <thead className="sticky top-0 z-sticky bg-bg">
                  <HeadRow columns={columns} />
                </thead>
                <tbody>
                  {runs.map((run) => (
                    <Row key={run.run} run={run} />
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Answer>
    </>
  );
}

function Row({ run }: { run: RunSummary }) {
  const text = useText();
  const format = useFormat();
  const navigate = useNavigate();
  const underWay = run.outcome === null && !run.interrupted;
  const open = () =>
    void navigate({
      to: "/connections/$name/$tab",
      params: { name: run.connection, tab: underWay ? "run" : "history" },
      search: { run: run.run },
    });
  return (
    <tr className="hover:bg-sunken">
      <Cell>
        <button
          type="button"
          onClick={open}
          aria-label={text("runs.open", { connection: run.connection, time: format.ago(run.started_at) })}
          title={format.moment(run.started_at)}
          className="num border-0 bg-transparent p-0 hover:underline"
        >
          {format.ago(run.started_at)}
        </button>
      </Cell>
      <Cell className="font-medium">
        <bdi>{run.connection}</bdi>
      </Cell>
      <Cell>
        <State state={stateOfRun(run)} />
        {run.failure && <span className="ms-3 text-ink-muted">{run.failure}</span>}
      </Cell>
      <Cell right>{format.exact(run.rows_written)}</Cell>
      <Cell right className="text-ink-muted">
        {underWay ? null : format.duration(run.duration_ms)}
      </Cell>
    </tr>
  );
}
