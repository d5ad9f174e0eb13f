import { useNavigate } from "@tanstack/react-router";
import { use, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { EngineError, useAction, useAnswer } from "~/api/client";
import { useMoved } from "~/domains/plan/moved";
import { summarise } from "~/domains/plan/summary";
import { PlanSheet } from "~/domains/plan/PlanSheet";
import { useText } from "~/shared/text";
import { Answer } from "~/shared/ui/Answer";
import { FixContext } from "~/shared/ui/fixes";
import { Problem } from "~/shared/ui/Problem";
import type { PartProps } from "./ConnectionView";

/** What a sync would do now; Apply does exactly that. */
export function PlanTab({ name, detail, reread }: PartProps) {
  const text = useText();
  const navigate = useNavigate();
  // A plan is only as good as the moment it was made in: coming back to this tab makes a new one.
  // What is to be removed holds only here: nothing of it is ticked when somebody comes back.
  const [remove, setRemove] = useState<readonly string[]>([]);
  const request = useMemo(
    () => ({
      connection: name,
      tables: reread === undefined ? [] : [reread],
      ...(reread !== undefined && { reread: true }),
      ...(remove.length > 0 && { remove: [...remove] }),
    }),
    [name, reread, remove],
  );
  const answer = useAnswer("plan.make", request, { forget: true, keep: true });
  const { refetch, isPlaceholderData: changing } = answer;
  // Also when its tables are changed, or changed back, while it is looked at.
  const config = JSON.stringify(detail.config);
  const planned = useRef(config);
  useEffect(() => {
    if (planned.current === config) return;
    planned.current = config;
    void refetch();
  }, [config, refetch]);

  const start = useAction("run.start");
  const rest = useAction("plan.make");
  const plan = answer.data;
  const { run, clear } = start;
  const { run: makeRest } = rest;
  const { moved, look } = useMoved(changing ? undefined : plan, request);
  const [looking, setLooking] = useState(false);
  const [unseen, setUnseen] = useState<unknown>(null);
  const apply = useCallback(async () => {
    if (!plan) return;
    setLooking(true);
    setUnseen(null);
    try {
      if (!(await look())) return;
    } catch (error) {
      return setUnseen(error);
    } finally {
      setLooking(false);
    }
    const gone = plan.left.filter((table) => table.remove).map(({ table }) => table);
    const removal = gone.length > 0 ? { remove: gone } : {};
    let exactly = plan;
    if (plan.tables.some((table) => table.verb === "blocked")) {
      // What is blocked is left out. The plan of the others must still be the one that was shown.
      const { open } = summarise(plan);
      const made = await makeRest({
        connection: name,
        tables: open.map((table) => table.table),
        ...(reread !== undefined && { reread: true }),
        ...removal,
      });
      if (!made) return;
      if (JSON.stringify(made.tables) !== JSON.stringify(open)) return void refetch();
      exactly = made;
    }
    const tables = exactly === plan && reread === undefined ? [] : exactly.tables.map((table) => table.table);
    const started = await run({
      connection: name,
      tables,
      fingerprint: exactly.fingerprint,
      ...(reread !== undefined && { reread: true }),
      ...removal,
    });
    if (started) {
      await navigate({ to: "/connections/$name/$tab", params: { name, tab: "run" }, search: { run: started.run } });
    }
  }, [plan, look, run, makeRest, refetch, name, reread, navigate]);
  const again = useCallback(() => {
    clear();
    setUnseen(null);
    void refetch();
  }, [clear, refetch]);

  // On this tab the way to a new plan is to ask for it again.
  const around = use(FixContext);
  const fixes = useMemo(() => ({ ...around, make_plan: [{ label: text("plan.again"), run: again }] }), [around, text, again]);

  const error = unseen ?? start.error ?? rest.error;
  const first = detail.summary.recent.length === 0;
  return (
    <FixContext value={fixes}>
      <Answer of={answer} doing={text("plan.computing")}>
        {(made) => {
          const adds = made.tables.filter((table) => table.verb === "add").length;
          return (
            <PlanSheet
              plan={made}
              {...(reread !== undefined && { title: text("compare.rereadTitle", { table: reread }) })}
              {...(first &&
                adds > 0 && { title: text("welcome.create", { count: adds, target: detail.destination_summary }) })}
              applying={start.pending || rest.pending || changing || looking}
              moved={moved}
              onApply={() => void apply()}
              onAgain={again}
              onRemove={setRemove}
              trouble={
                error !== null && (
                  <Problem
                    mild={error instanceof EngineError && error.fault.code === "schema_changed"}
                    error={error}
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
