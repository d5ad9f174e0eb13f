import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import clsx from "clsx";
import { Check, CircleHelp, CircleMinus, Clock, Inbox, type LucideIcon, TriangleAlert } from "lucide-react";
import { type KeyboardEvent, useRef } from "react";
import { useAction, useAnswer } from "~/api/client";
import type { DriftChoice, InboxEntry } from "~/api/generated";
import { useSettings } from "~/shared/settings";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Answer } from "~/shared/ui/Answer";
import { Button } from "~/shared/ui/Button";
import { Empty } from "~/shared/ui/feedback";
import { PageHeader } from "~/shared/ui/layout";
import { Badge } from "~/shared/ui/State";
import { Words } from "~/shared/ui/Words";
import { toast } from "~/shared/ui/toast";
import { Problem } from "~/shared/ui/Problem";

/** Changes of sources that wait for a decision. */
export function InboxView() {
  const text = useText();
  const { connection } = useSearch({ from: "/inbox" });
  const answer = useAnswer("inbox.list", null);
  return (
    <Answer of={answer} doing={text("inbox.loading")}>
      {(all) => <Entries entries={connection ? all.filter((entry) => entry.connection === connection) : all} />}
    </Answer>
  );
}

function Entries({ entries }: { entries: readonly InboxEntry[] }) {
  const navigate = useNavigate();
  const text = useText();
  const decide = useAction("inbox.decide");
  const undo = useAction("inbox.undo");
  const harmless = entries.filter((entry) => entry.harmless);
  const act = async (chosen: readonly InboxEntry[], choice: DriftChoice) => {
    const answer = await decide.run({ ids: chosen.map(({ id }) => id), choice });
    // Decided meanwhile by somebody else: there is nothing to tell.
    if (answer === undefined || answer.entries.length === 0) return;
    const { entries: decided } = answer;
    const title = text(choice === "ask" ? "inbox.putOff" : "inbox.done", { count: decided.length });
    toast({ title, action: { label: text("history.undo"), run: () => void undo.run({ entries: decided }) } });
  };
  return (
    <>
      <PageHeader title={text("inbox.title")}>
        {harmless.length > 1 && (
          <Button icon={Check} onClick={() => void act(harmless, "apply")}>
            {text("inbox.acceptAll", { count: harmless.length })}
          </Button>
        )}
      </PageHeader>
      {decide.error !== null && <Problem error={decide.error} className="m-6" />}
      {undo.error !== null && <Problem error={undo.error} className="m-6" />}
      {entries.length === 0 ? (
        <Empty
          icon={Inbox}
          sentence={text("inbox.empty")}
          actions={
            <Button look="primary" onClick={() => void navigate({ to: "/" })}>
              {text("shell.toConnections")}
            </Button>
          }
        />
      ) : (
        <List entries={entries} onDecide={(entry, choice) => void act([entry], choice)} />
      )}
    </>
  );
}

interface ListProps {
  entries: readonly InboxEntry[];
  onDecide: (entry: InboxEntry, choice: DriftChoice) => void;
}

const letters: Record<string, DriftChoice> = { a: "apply", x: "ignore", z: "ask" };

function List({ entries, onDecide }: ListProps) {
  const text = useText();
  const list = useRef<HTMLUListElement>(null);
  const lettersAct = useSettings((settings) => settings.letterKeys);
  const onKey = (event: KeyboardEvent, entry: InboxEntry) => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    const choice = letters[event.key.toLowerCase()];
    if (choice && lettersAct && entry.choices.includes(choice)) {
      event.preventDefault();
      onDecide(entry, choice);
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      const rows = [...(list.current?.querySelectorAll<HTMLElement>(":scope > li") ?? [])];
      rows[rows.indexOf(event.currentTarget as HTMLElement) + step]?.focus();
    }
  };
  return (
    <ul ref={list} aria-label={text("inbox.list")} className="m-0 min-h-0 flex-1 list-none overflow-auto p-0">
      {entries.map((entry) => (
        // Rows take the focus for the letter keys; every choice is a button as well.
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
        <li
          key={entry.id}
          // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
          tabIndex={0}
          onKeyDown={(event) => onKey(event, entry)}
          className={clsx(
            "flex items-start gap-4 border-b border-border px-6 py-4 outline-offset-[-2px]",
            waits(entry) && "bg-warn-soft",
          )}
        >
          <Entry entry={entry} onDecide={onDecide} />
        </li>
      ))}
    </ul>
  );
}

/** Whether a table stands still until somebody decides. */
function waits({ harmless, drift }: InboxEntry): boolean {
  return !harmless && drift.kind !== "new_table";
}

const choiceIcons: Record<DriftChoice, LucideIcon> = { apply: Check, ignore: CircleMinus, ask: Clock };

function Entry({ entry, onDecide }: { entry: InboxEntry } & Pick<ListProps, "onDecide">) {
  const text = useText();
  const format = useFormat();
  const { drift } = entry;
  return (
    <>
      <span className="w-28 shrink-0">
      {entry.harmless ? (
        <Badge ink="new">
          <span className="inline-flex items-center gap-1">
            <Check size={12} strokeWidth={1.75} aria-hidden />
            {text("inbox.harmless")}
          </span>
        </Badge>
      ) : (
        <Badge ink="warn">
          <span className="inline-flex items-center gap-1">
            {waits(entry) ? <TriangleAlert size={12} strokeWidth={1.75} aria-hidden /> : <CircleHelp size={12} strokeWidth={1.75} aria-hidden />}
            {text(waits(entry) ? "inbox.waits" : "inbox.decide")}
          </span>
        </Badge>
      )}
      </span>
      <div className="min-w-0 flex-1">
        <p className="m-0 font-medium">
          <bdi>{drift.table}</bdi>: <Words>{drift.what}</Words>
        </p>
        <p className="m-0 text-ink-muted"><Words>{entry.effect}</Words></p>
        <p className="num m-0 text-ink-subtle">
          <bdi>{entry.connection}</bdi> ·{" "}
          <span title={format.moment(entry.since)}>{text("inbox.since", { time: format.ago(entry.since) })}</span>
          {" · "}
          {text(waits(entry) ? "inbox.runsWithout" : "inbox.runsSince", { count: entry.runs_since })}
          {entry.accepted_at && waits(entry) && (
            <>
              {" · "}
              <span title={format.moment(entry.accepted_at)}>{text("inbox.accepted", { time: format.ago(entry.accepted_at) })}</span>
            </>
          )}
          {drift.kind !== "new_table" && (
            <>
              {" · "}
              <Link
                to="/connections/$name/$tab"
                params={{ name: entry.connection, tab: "preview" }}
                search={{ table: drift.table, ...(drift.column && drift.kind !== "dropped_column" && { column: drift.column }) }}
                className="text-accent underline"
              >
                {text("inbox.lookAt")}
              </Link>
            </>
          )}
        </p>
      </div>
      <div className="flex shrink-0 gap-2">
        {entry.choices.map((choice) => {
          const icon = choiceIcons[choice];
          return (
            <Button key={choice} size="small" icon={icon} onClick={() => onDecide(entry, choice)}>
              {choice === "apply" ? text(`inbox.apply.${drift.kind}`) : text(`inbox.${choice}`)}
            </Button>
          );
        })}
      </div>
    </>
  );
}
