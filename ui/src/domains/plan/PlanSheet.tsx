import clsx from "clsx";
import { ChevronDown, ChevronRight, Download } from "lucide-react";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import type { Plan, TableEffect, Verb } from "~/api/generated";
import { usePlatform } from "~/platform";
import { type Command, useCommands } from "~/shared/commands";
import { faultOf } from "~/domains/runs/fault";
import { type MessageId, useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Button } from "~/shared/ui/Button";
import { Code } from "~/shared/ui/Code";
import { Fault } from "~/shared/ui/Fault";
import { Words } from "~/shared/ui/Words";
import { asText, type PlanSummary, summarise, targetText } from "./summary";

interface PlanSheetProps {
  plan: Plan;
  /** Said instead of "Plan for …" where the plan is the first thing somebody sees. */
  title?: string;
  onApply: () => void;
  applying: boolean;
  onAgain: () => void;
  onBack?: (() => void) | undefined;
  /** Why it did not work, above the buttons. */
  trouble?: ReactNode;
}

const verbs: Record<Verb, { sign: string; ink: string; word: MessageId }> = {
  add: { sign: "+", ink: "text-ok", word: "plan.add" },
  change: { sign: "~", ink: "text-warn", word: "plan.change" },
  rebuild: { sign: "↻", ink: "text-new", word: "plan.rebuild" },
  unchanged: { sign: "=", ink: "text-ink-subtle", word: "plan.load" },
  blocked: { sign: "!", ink: "text-bad", word: "plan.blocked" },
};

/** What would happen, before it happens. Apply does exactly this, or nothing. */
export function PlanSheet({ plan, title, onApply, applying, onAgain, onBack, trouble }: PlanSheetProps) {
  const text = useText();
  const format = useFormat();
  const platform = usePlatform();
  const summary = useMemo(() => summarise(plan), [plan]);
  const apply = useRef<HTMLButtonElement>(null);

  // The first answer to a harmless plan is Enter; one that rebuilds has to be aimed at.
  useEffect(() => {
    if (!summary.grave) apply.current?.focus();
  }, [summary.grave]);

  const blocked = summary.open.length === 0 ? text("plan.allBlocked") : undefined;
  const commands = useMemo<Command[]>(
    () => [
      {
        id: "plan.apply",
        title: text("plan.apply"),
        group: "run",
        shortcut: "mod+enter",
        disabled: applying || blocked !== undefined,
        run: onApply,
      },
    ],
    [text, applying, blocked, onApply],
  );
  useCommands(commands);

  const label =
    summary.counts.blocked > 0 && summary.open.length > 0
      ? text("plan.applyRest", { count: summary.open.length })
      : text("plan.applyAll");
  return (
    <section aria-label={text("plan.title", { connection: plan.connection })} className="flex min-h-0 flex-1 flex-col">
      <div className="flex flex-col gap-1 border-b border-border px-6 py-4">
        <div className="flex items-baseline justify-between gap-4">
          <h2 className="text-title">{title ?? text("plan.title", { connection: plan.connection })}</h2>
          <span className="num text-ink-subtle">{text("plan.made", { time: format.clock(plan.made_at) })}</span>
        </div>
        <Counts summary={summary} />
      </div>
      <ul className="m-0 min-h-0 flex-1 list-none overflow-auto p-0">
        {!summary.changesShape && summary.counts.blocked === 0 && !plan.tables.some(({ drift }) => drift.length > 0) && (
          <li className="px-6 py-3 text-ink-muted">{text("plan.nothing", { count: plan.tables.length })}</li>
        )}
        {plan.tables.map((table) => (
          <EffectRow key={table.table} effect={table} />
        ))}
      </ul>
      {trouble && <div className="border-t border-border px-6 py-3">{trouble}</div>}
      <div className="flex flex-wrap items-center gap-2 border-t border-border px-6 py-3">
        <Button
          ref={apply}
          look="primary"
          shortcut="mod+enter"
          blocked={blocked}
          disabled={applying}
          aria-keyshortcuts="Control+Enter"
          onClick={onApply}
        >
          {label}
        </Button>
        <Button onClick={onAgain}>{text("plan.again")}</Button>
        <Button
          icon={Download}
          look="quiet"
          onClick={() => platform.save(`plan-${plan.connection}.txt`, "text/plain", asText(plan))}
        >
          {text("plan.save")}
        </Button>
        {onBack && (
          <Button look="quiet" className="ml-auto" onClick={onBack}>
            {text("common.back")}
          </Button>
        )}
      </div>
    </section>
  );
}

function Counts({ summary }: { summary: PlanSummary }) {
  const text = useText();
  const format = useFormat();
  const shown: Verb[] = ["add", "change", "rebuild", "blocked"];
  const rows = format.count(summary.rows);
  const reads =
    summary.rows === 0 && summary.unknown > 0
      ? text("plan.readsUnknown")
      : summary.unknown > 0
        ? text("plan.readsSome", { rows })
        : text("plan.reads", { rows });
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-1">
      {shown
        .filter((verb) => summary.counts[verb] > 0)
        .map((verb) => (
          <VerbWord key={verb} verb={verb} count={summary.counts[verb]} />
        ))}
      <span className="ml-auto text-ink-muted">
        {(summary.rows > 0 || summary.unknown > 0) && reads}
        {summary.bytes > 0 && ` · ${text("plan.bytes", { bytes: format.bytes(summary.bytes) })}`}
      </span>
    </div>
  );
}

/** The fixed sign of a verb, the same as in the text of the plan. */
function Sign({ sign }: { sign: string }) {
  return (
    <span aria-hidden className="w-4 shrink-0 text-center font-mono text-heading font-semibold">
      {sign}
    </span>
  );
}

function VerbWord({ verb, count }: { verb: Verb; count: number }) {
  const text = useText();
  const { sign, ink, word } = verbs[verb];
  return (
    <span className={clsx("inline-flex items-center gap-1", ink)}>
      <Sign sign={sign} />
      <span className="num">{count}</span> {text(word)}
    </span>
  );
}

function EffectRow({ effect }: { effect: TableEffect }) {
  const text = useText();
  const format = useFormat();
  const [open, setOpen] = useState(effect.verb === "blocked" || effect.verb === "rebuild");
  const { sign, ink, word } = verbs[effect.verb];
  const Chevron = open ? ChevronDown : ChevronRight;
  return (
    <li className="border-b border-border">
      <button
        type="button"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
        className="row-h flex w-full items-center gap-3 border-0 bg-transparent px-6 text-left outline-offset-[-2px] hover:bg-sunken"
      >
        <Chevron size={16} strokeWidth={1.5} aria-hidden className="shrink-0 text-ink-subtle" />
        <span className={clsx("flex w-28 shrink-0 items-center gap-2", ink)}>
          <Sign sign={sign} />
          {text(word)}
        </span>
        <bdi className="w-56 shrink-0 truncate font-medium">{effect.table}</bdi>
        <span className="min-w-0 flex-1 truncate text-ink-muted">
          {text("plan.to", { target: targetText(effect) })}
          {effect.mode && ` · ${text(`plan.mode.${effect.mode.mode}`)}`}
          {effect.drift.map(({ what }) => (
            <span key={what} className="text-new">
              {" · "}
              <Words>{text("plan.sourceChanged", { what })}</Words>
            </span>
          ))}
        </span>
        <span className="num shrink-0 text-ink-muted">{text(...amount(effect, format.count))}</span>
      </button>
      {open && <EffectDetails effect={effect} />}
    </li>
  );
}

/** How much is read. After the first sync only new and changed rows are, and nobody knows how many that will be. */
function amount(effect: TableEffect, count: (rows: number) => string): [MessageId, Record<string, string>?] {
  if (!effect.full) return ["plan.rowsNew"];
  if (effect.rows_estimate === null) return ["plan.rowsUnknown"];
  return ["plan.rows", { rows: count(effect.rows_estimate) }];
}

function EffectDetails({ effect }: { effect: TableEffect }) {
  const text = useText();
  return (
    <div className="flex flex-col gap-2 pr-6 pb-4 pl-13">
      {effect.verb === "rebuild" && <p className="m-0">{text("plan.rebuildNote")}</p>}
      {effect.effects.map((sentence) => (
        <p key={sentence} className="m-0 text-ink-muted">
          <Words>{sentence}</Words>
        </p>
      ))}
      {effect.ddl.length > 0 && (
        <Code>{effect.ddl.join(";\n")}</Code>
      )}
      {effect.blocked && (
        <Fault
          mild
          fault={faultOf(effect.blocked)}
        />
      )}
    </div>
  );
}
