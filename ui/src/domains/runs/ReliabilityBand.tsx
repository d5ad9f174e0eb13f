import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useAnswer } from "~/api/client";
import type { Freshness, Reliability } from "~/api/generated";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Strip } from "~/shared/ui/charts";
import { Problem } from "~/shared/ui/Problem";
import { budgetOf, filledDays, OBJECTIVE, shareOf, stateOfDay } from "./reliability";

const DAYS = 30;

/** How reliable a connection was: fresh minutes against what is allowed, then runs, then every single error. */
export function ReliabilityBand({ connection }: { connection: string }) {
  const text = useText();
  const answer = useAnswer("runs.reliability", { connection, days: DAYS });
  if (answer.error) return <Problem error={answer.error} className="mx-6 my-3" />;
  // The runs below do not wait for this.
  if (!answer.data) return <div aria-busy className="h-26 shrink-0 border-b border-border" />;
  return (
    <section
      aria-label={text("reliability.title", { days: DAYS })}
      className="flex min-h-26 shrink-0 flex-wrap items-start gap-x-12 gap-y-4 border-b border-border px-6 py-4"
    >
      {answer.data.freshness ? <Fresh freshness={answer.data.freshness} days={DAYS} /> : <NotCounted />}
      <Rates reliability={answer.data} />
      <Days reliability={answer.data} now={answer.dataUpdatedAt} />
    </section>
  );
}

const bands = { ok: "bg-ok", warn: "bg-warn", bad: "bg-bad" } as const;

function Fresh({ freshness, days }: { freshness: Freshness; days: number }) {
  const text = useText();
  const format = useFormat();
  const budget = budgetOf(freshness);
  const rule = text("reliability.rule", { target: format.duration(freshness.target_minutes * 60_000) });
  if (!budget) {
    return (
      <Part title={text("reliability.fresh")} note={rule}>
        <span className="text-ink-muted">{text("reliability.notYet")}</span>
      </Part>
    );
  }
  const spent = budget.leftMinutes < 0;
  const ink = spent ? "bad" : budget.used > 0.75 ? "warn" : "ok";
  const minutes = (value: number) => format.exact(Math.floor(value * 10) / 10);
  const words = spent
    ? text("reliability.overspent", { late: minutes(budget.lateMinutes), allowed: minutes(budget.allowedMinutes) })
    : text("reliability.allowance", {
        late: minutes(budget.lateMinutes),
        allowed: minutes(budget.allowedMinutes),
        left: minutes(budget.leftMinutes),
      });
  return (
    <Part title={text("reliability.fresh")} note={rule}>
      <span>
        <span className="num text-title font-semibold">{format.percent(budget.share, 2)}</span>{" "}
        <span className="text-ink-muted">{text("reliability.lastDays", { days, objective: format.percent(OBJECTIVE, 1) })}</span>
      </span>
      <span
        role="meter"
        aria-label={text("reliability.used")}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(budget.used * 100)}
        aria-valuetext={words}
        className="mark-ground block h-1 w-full overflow-hidden rounded-pill bg-sunken"
      >
        <span className={`block h-full ${bands[ink]}`} style={{ width: `${budget.used * 100}%` }} />
      </span>
      <span className={spent ? "text-bad" : "text-ink-muted"}>{words}</span>
    </Part>
  );
}

/** Why there is no figure: nobody said how fresh data should be, or no run has brought everything in yet. */
function NotCounted() {
  const text = useText();
  const settings = useAnswer("settings.get", null).data;
  if (!settings) return null;
  const unset = settings.fresh_within_minutes === null;
  return (
    <Part title={text("reliability.fresh")}>
      <span className="text-ink-muted">{text(unset ? "reliability.noTarget" : "reliability.notYet")}</span>
      {unset && (
        <Link to="/settings" className="text-accent">
          {text("reliability.setTarget")}
        </Link>
      )}
    </Part>
  );
}

function Rates({ reliability }: { reliability: Reliability }) {
  const text = useText();
  const format = useFormat();
  const { runs, succeeded, attempts, attempts_succeeded: clean } = reliability;
  const share = (part: number, all: number) => {
    const value = shareOf(part, all);
    return value === null ? "–" : format.percent(value, 2);
  };
  return (
    <>
      <Part title={text("reliability.runs")} note={text("reliability.runsNote")}>
        <span className="num text-title font-semibold">{share(succeeded, runs)}</span>
        <span className="num text-ink-muted">{text("reliability.ofRuns", { good: succeeded, count: runs })}</span>
      </Part>
      <Part title={text("reliability.attempts")} note={text("reliability.attemptsNote")}>
        <span className="num text-title font-semibold">{share(clean, attempts)}</span>
        <span className="num text-ink-muted">{text("reliability.ofAttempts", { good: clean, count: attempts })}</span>
      </Part>
    </>
  );
}

function Days({ reliability, now }: { reliability: Reliability; now: number }) {
  const text = useText();
  const format = useFormat();
  return (
    <Part title={text("reliability.byDay")}>
      <Strip
        label={text("reliability.byDay")}
        marks={filledDays(reliability.days, reliability.by_day, now).map((day) => ({
          id: day.day,
          state: stateOfDay(day),
          title: text("reliability.day", {
            // Noon, so that the day is the same in every zone that people live in but the outermost.
            day: format.day(`${day.day}T12:00:00Z`),
            succeeded: day.succeeded,
            attention: day.attention,
            failed: day.failed,
            rows: format.exact(day.rows_written),
          }),
        }))}
      />
      {reliability.last_success_at && (
        <span className="num text-ink-muted" title={format.moment(reliability.last_success_at)}>
          {text("reliability.lastSuccess", { time: format.ago(reliability.last_success_at) })}
        </span>
      )}
    </Part>
  );
}

function Part({ title, note, children }: { title: string; note?: string; children: ReactNode }) {
  return (
    <div className="flex max-w-72 min-w-40 flex-col gap-1" {...(note !== undefined && { title: note })}>
      <h2 className="text-caption font-medium text-ink-muted">{title}</h2>
      {children}
      {note !== undefined && <span className="text-caption text-ink-subtle">{note}</span>}
    </div>
  );
}
