import type { RunSummary } from "~/api/generated";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Strip } from "~/shared/ui/charts";
import { wordOf } from "~/shared/ui/State";
import { stateOfRun } from "./model";

/** The last runs of a connection. */
export function RunStrip({ runs, label, most = 30 }: { runs: readonly RunSummary[]; label: string; most?: number }) {
  const text = useText();
  const format = useFormat();
  return (
    <Strip
      label={label}
      marks={runs.slice(-most).map((run) => {
        const state = stateOfRun(run);
        return {
          id: run.run,
          state,
          title: text("connections.runTitle", {
            outcome: text(wordOf(state)),
            time: format.moment(run.started_at),
            rows: format.exact(run.rows_written),
          }),
        };
      })}
    />
  );
}
