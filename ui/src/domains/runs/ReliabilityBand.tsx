import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useAction, useAnswer } from "~/api/client";
import type { Freshness, Reliability } from "~/api/generated";
import { type MessageId, useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Checkbox } from "~/shared/ui/Field";
import { Problem } from "~/shared/ui/Problem";
import { ReliabilityGrid } from "./ReliabilityGrid";
import { type Band, type Budget, budgetOf, OBJECTIVE, shareOf } from "./reliability";

const DAYS = 30;

/** How reliable a connection was: fresh time against what is allowed, then runs, then every single error, then when. */
export function ReliabilityBand({ connection }: { connection: string }) {
  const text = useText();
  const answer = useAnswer("runs.reliability", { connection, days: DAYS });
  if (answer.error) return <Problem error={answer.error} className="mx-6 my-3" />;
  // The runs below do not wait for this.
  if (!answer.data) return <div aria-busy className="h-26 shrink-0 border-b border-border" />;
  const { freshness, grid } = answer.data;
  return (
    <section
      aria-label={text("reliability.title", { days: DAYS })}
      className="flex min-h-26 shrink-0 flex-wrap items-start gap-x-12 gap-y-4 border-b border-border px-6 py-4"
    >
      {freshness ? <Fresh freshness={freshness} days={DAYS} /> : <NotCounted />}
      <Rates reliability={answer.data} />
      <ReliabilityGrid grid={grid} fresh={freshness !== null} />
    </section>
  );
}

const bands: Record<Band, { fill: string; ink: string; words: MessageId }> = {
  plenty: { fill: "bg-ok", ink: "text-ink-muted", words: "reliability.band.plenty" },
  half: { fill: "bg-ok", ink: "text-ink-muted", words: "reliability.band.half" },
  some: { fill: "bg-warn", ink: "text-ink-muted", words: "reliability.band.some" },
  little: { fill: "bg-warn", ink: "text-warn", words: "reliability.band.little" },
  none: { fill: "bg-bad", ink: "text-bad", words: "reliability.band.none" },
};

function Fresh({ freshness, days }: { freshness: Freshness; days: number }) {
  const text = useText();
  const format = useFormat();
  const budget = budgetOf(freshness);
  return (
    <Part title={text("reliability.fresh")} wide>
      {budget ? (
        <Allowance budget={budget} days={days} />
      ) : (
        <span className="text-ink-muted">{text("reliability.notYet")}</span>
      )}
      <span className="text-caption text-ink-subtle">
        {text("reliability.rule", {
          target: format.duration(freshness.target_minutes * 60_000),
          objective: format.percent(OBJECTIVE, 1),
          days,
          full: format.duration(freshness.full_allowance_seconds * 1000),
          counted: format.duration(freshness.counted_seconds * 1000),
          allowed: format.duration(freshness.allowance_seconds * 1000),
        })}
      </span>
      <NotHeldAgainst freshness={freshness} />
    </Part>
  );
}

function Allowance({ budget, days }: { budget: Budget; days: number }) {
  const text = useText();
  const format = useFormat();
  const span = (seconds: number) => format.duration(Math.abs(seconds) * 1000);
  const { fill, ink, words: feel } = bands[budget.band];
  const words = text(budget.band === "none" ? "reliability.overspent" : "reliability.allowance", {
    late: span(budget.lateSeconds),
    allowed: span(budget.allowedSeconds),
    left: span(budget.leftSeconds),
  });
  return (
    <>
      <span>
        <span className="num text-title font-semibold">{format.percent(budget.share, 2)}</span>{" "}
        <span className="text-ink-muted">{text("reliability.lastDays", { days })}</span>
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
        <span className={`block h-full ${fill}`} style={{ width: `${budget.used * 100}%` }} />
      </span>
      <span className={`num ${ink}`}>
        {words} <span>{text(feel)}</span>
      </span>
    </>
  );
}

/** Time that does not count, and the switch that has it count. */
function NotHeldAgainst({ freshness }: { freshness: Freshness }) {
  const text = useText();
  const format = useFormat();
  const settings = useAnswer("settings.get", null).data;
  const save = useAction("settings.save");
  const { paused_seconds: paused, off_seconds: off, off_counts: counts } = freshness;
  return (
    <>
      {paused > 0 && (
        <span className="num text-caption text-ink-subtle">{text("reliability.paused", { time: format.duration(paused * 1000) })}</span>
      )}
      <Checkbox
        label={
          <span className="num text-caption text-ink-subtle" title={text("reliability.offHelp")}>
            {text("reliability.off", { time: format.duration(off * 1000) })}
          </span>
        }
        checked={counts}
        disabled={!settings || save.pending}
        onValue={(count_while_off) => settings && void save.run({ ...settings, count_while_off })}
      />
      {save.error !== null && <Problem error={save.error} />}
    </>
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
  const { runs, succeeded, attempts, attempts_succeeded: clean, last_success_at: last } = reliability;
  const share = (part: number, all: number) => {
    const value = shareOf(part, all);
    return value === null ? "–" : format.percent(value, 2);
  };
  return (
    <>
      <Part title={text("reliability.runs")} note={text("reliability.runsNote")}>
        <span className="num text-title font-semibold">{share(succeeded, runs)}</span>
        <span className="num text-ink-muted">{text("reliability.ofRuns", { good: succeeded, count: runs })}</span>
        {last && (
          <span className="num text-ink-muted" title={format.moment(last)}>
            {text("reliability.lastSuccess", { time: format.ago(last) })}
          </span>
        )}
      </Part>
      <Part title={text("reliability.attempts")} note={text("reliability.attemptsNote")}>
        <span className="num text-title font-semibold">{share(clean, attempts)}</span>
        <span className="num text-ink-muted">{text("reliability.ofAttempts", { good: clean, count: attempts })}</span>
      </Part>
    </>
  );
}

function Part({ title, note, wide = false, children }: { title: string; note?: string; wide?: boolean; children: ReactNode }) {
  return (
    <div className={`flex min-w-40 flex-col gap-1 ${wide ? "max-w-md" : "max-w-64"}`} {...(note !== undefined && { title: note })}>
      <h2 className="text-caption font-medium text-ink-muted">{title}</h2>
      {children}
      {note !== undefined && <span className="text-caption text-ink-subtle">{note}</span>}
    </div>
  );
}
