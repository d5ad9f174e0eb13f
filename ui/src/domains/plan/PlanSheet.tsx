import clsx from "clsx";
import { ChevronDown, ChevronRight, Download, TriangleAlert } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import type { Plan, TableEffect, Verb } from "~/api/generated";
import { usePlatform } from "~/platform";
import { Differences } from "~/domains/preview/Definition";
import { type Command, spelled, useCommands } from "~/shared/commands";
import { faultOf } from "~/domains/runs/fault";
import { type MessageId, useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Button } from "~/shared/ui/Button";
import { Code } from "~/shared/ui/Code";
import { Fault } from "~/shared/ui/Fault";
import { Words } from "~/shared/ui/Words";
import { LeftRows } from "./LeftRows";
import { asText, type PlanSummary, summarise, targetText } from "./summary";
import { Sign, VerbWord, verbs } from "./verbs";

interface PlanSheetProps {
  plan: Plan;
  /** Said instead of "Plan for …" where the plan is the first thing somebody sees. */
  title?: string;
  onApply: () => void;
  applying: boolean;
  onAgain: () => void;
  /** The tables about which the plan no longer says what would happen; null while it holds. */
  moved?: readonly string[] | null;
  /** Asks for a plan that removes the rows of exactly these tables; absent where nothing can be removed. */
  onRemove?: ((tables: readonly string[]) => void) | undefined;
  onBack?: (() => void) | undefined;
  /** Why it did not work, above the buttons. */
  trouble?: ReactNode;
}

/** What would happen, before it happens. Apply does exactly this, or nothing. */
export function PlanSheet({ plan, title, onApply, applying, onAgain, moved = null, onRemove, onBack, trouble }: PlanSheetProps) {
  const text = useText();
  const format = useFormat();
  const platform = usePlatform();
  const summary = useMemo(() => summarise(plan), [plan]);
  const apply = useRef<HTMLButtonElement>(null);

  // The first answer to a harmless plan is Enter; one that rebuilds or removes has to be aimed at.
  const harmlessAtFirst = useRef(!summary.grave);
  useEffect(() => {
    if (harmlessAtFirst.current) apply.current?.focus();
  }, []);
  const notByEnterAlone = (event: KeyboardEvent) => {
    if (summary.grave && event.key === "Enter" && !event.ctrlKey && !event.metaKey) event.preventDefault();
  };

  const blocked = moved !== null ? text("plan.movedShort") : summary.open.length === 0 ? text("plan.allBlocked") : undefined;
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
        {title === undefined && !summary.changesShape && summary.counts.blocked === 0 && !plan.tables.some(({ drift }) => drift.length > 0) && (
          <li className="px-6 py-3 text-ink-muted">{text("plan.nothing", { count: plan.tables.length })}</li>
        )}
        {plan.tables.map((table) => (
          <EffectRow key={table.table} effect={table} />
        ))}
        {plan.left.length > 0 && <LeftRows left={plan.left} busy={applying} onRemove={onRemove} />}
      </ul>
      {moved !== null && (
        <div role="alert" className="flex items-center gap-4 border-t border-border bg-warn-soft px-6 py-3">
          <TriangleAlert size={16} strokeWidth={1.5} aria-hidden className="shrink-0 text-warn" />
          <span className="min-w-0 flex-1">{text("plan.moved", { tables: moved.length, names: moved.join(", ") })}</span>
          <Button size="small" onClick={onAgain}>
            {text("plan.again")}
          </Button>
        </div>
      )}
      {trouble && <div className="border-t border-border px-6 py-3">{trouble}</div>}
      <div className="flex flex-wrap items-center gap-2 border-t border-border px-6 py-3">
        <Button
          ref={apply}
          look="primary"
          shortcut="mod+enter"
          blocked={blocked}
          disabled={applying}
          aria-keyshortcuts="Control+Enter"
          onKeyDown={notByEnterAlone}
          onClick={onApply}
        >
          {label}
        </Button>
        {summary.grave && <span className="text-ink-muted">{text("plan.notByEnter", { keys: spelled("mod+enter") })}</span>}
        {moved === null && <Button onClick={onAgain}>{text("plan.again")}</Button>}
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
      {summary.removed > 0 && <VerbWord verb="remove" count={summary.removed} />}
      <span className="ml-auto text-ink-muted">
        {(summary.rows > 0 || summary.unknown > 0) && reads}
        {summary.bytes > 0 && ` · ${text("plan.bytes", { bytes: format.bytes(summary.bytes) })}`}
      </span>
    </div>
  );
}

function EffectRow({ effect }: { effect: TableEffect }) {
  const text = useText();
  const format = useFormat();
  const [open, setOpen] = useState(effect.verb === "blocked" || effect.verb === "rebuild");
  const { ink, word } = verbs[effect.verb];
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
        <span className={clsx("flex w-32 shrink-0 items-center gap-2", ink)}>
          <Sign verb={effect.verb} />
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
      {effect.effects.map((sentence) => (
        <p key={sentence} className="m-0 text-ink-muted">
          <Words>{sentence}</Words>
        </p>
      ))}
      {effect.verb !== "blocked" && (
        <dl className="m-0 grid max-w-3xl grid-cols-[112px_1fr] gap-x-3 gap-y-1">
          <dt className="text-ink-muted">{text("plan.readers")}</dt>
          <dd className="m-0">{text(`plan.readers.${effect.verb}`)}</dd>
          <dt className="text-ink-muted">{text("plan.undo")}</dt>
          <dd className="m-0">{text(`plan.undo.${effect.verb}`)}</dd>
        </dl>
      )}
      {effect.verb !== "unchanged" && effect.definition.length > 0 && (
        <Differences target={targetText(effect)} lines={effect.definition} />
      )}
      {effect.ddl.length > 0 && <Code>{effect.ddl.join(";\n")}</Code>}
      {effect.blocked && (
        <Fault
          mild
          fault={faultOf(effect.blocked)}
        />
      )}
    </div>
  );
}
