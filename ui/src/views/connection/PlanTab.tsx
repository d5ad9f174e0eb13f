import { useNavigate } from "@tanstack/react-router";
import { use, useCallback, useEffect, useMemo } from "react";
import { EngineError, useAction, useAnswer } from "~/api/client";
import { summarise } from "~/domains/plan/summary";
import { PlanSheet } from "~/domains/plan/PlanSheet";
import { useText } from "~/shared/text";
import { Answer } from "~/shared/ui/Answer";
import { FixContext } from "~/shared/ui/fixes";
import { Problem } from "~/shared/ui/Problem";
import type { PartProps } from "./ConnectionView";

/** What a sync would do now; Apply does exactly that. */
export function PlanTab({ name, detail }: PartProps) {
  const text = useText();
  const navigate = useNavigate();
  const answer = useAnswer("plan.make", { connection: name, tables: [] });
  const { refetch } = answer;
  // A plan is only as good as the moment it was made in: coming back to this tab makes a new one.
  useEffect(() => {
    void refetch();
  }, [refetch]);

  const start = useAction("run.start");
  const plan = answer.data;
  const { run, clear } = start;
  const apply = useCallback(async () => {
    if (!plan) return;
    const blocked = plan.tables.some((table) => table.verb === "blocked");
    const tables = blocked ? summarise(plan).open.map((table) => table.table) : [];
    const started = await run({ connection: name, tables, fingerprint: blocked ? null : plan.fingerprint });
    if (started) {
      await navigate({ to: "/connections/$name/$tab", params: { name, tab: "run" }, search: { run: started.run } });
    }
  }, [plan, run, name, navigate]);
  const again = useCallback(() => {
    clear();
    void refetch();
  }, [clear, refetch]);

  // On this tab the way to a new plan is to ask for it again.
  const around = use(FixContext);
  const fixes = useMemo(() => ({ ...around, make_plan: [{ label: text("plan.again"), run: again }] }), [around, text, again]);

  const first = detail.summary.recent.length === 0;
  return (
    <FixContext value={fixes}>
      <Answer of={answer} doing={text("plan.computing")}>
        {(made) => {
          const adds = made.tables.filter((table) => table.verb === "add").length;
          return (
            <PlanSheet
              plan={made}
              {...(first &&
                adds > 0 && { title: text("welcome.create", { count: adds, target: detail.destination_summary }) })}
              applying={start.pending}
              onApply={() => void apply()}
              onAgain={again}
              trouble={
                start.error !== null && (
                  <Problem
                    mild={start.error instanceof EngineError && start.error.fault.code === "schema_changed"}
                    error={start.error}
                    onRetry={() => void apply()}
                  />
                )
              }
            />
          );
        }}
      </Answer>
    </FixContext>
  );
}
