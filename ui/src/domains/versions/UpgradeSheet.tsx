import { type KeyboardEvent, useMemo, useState } from "react";
import { useAnswer } from "~/api/client";
import type { ConnectorVersions, SourceUpgrade, UpgradePlan } from "~/api/generated";
import { VerbWord } from "~/domains/plan/verbs";
import { type Command, spelled, useCommands } from "~/shared/commands";
import { useText } from "~/shared/text";
import { Answer } from "~/shared/ui/Answer";
import { Button } from "~/shared/ui/Button";
import { Checkbox, Choices } from "~/shared/ui/Field";
import { Problem } from "~/shared/ui/Problem";
import { connectionsOf, movedBy, takesAway } from "./model";
import { Rehearse } from "./Rehearse";
import { SchemaChanges } from "./SchemaChanges";
import type { Move } from "./useMove";

interface UpgradeSheetProps {
  connector: ConnectorVersions;
  /** The version that it is about. */
  to: string;
  move: Move;
  /** Back to the versions, with or without an upgrade. */
  onBack: () => void;
}

/** What another version would change, for everything that uses the connector or for some of it first; then, not before, the
 * upgrade. */
export function UpgradeSheet({ connector, to, move, onBack }: UpgradeSheetProps) {
  const text = useText();
  const users = connectionsOf(connector);
  const [chosen, setChosen] = useState<ReadonlySet<string> | null>(null);
  const none = chosen !== null && chosen.size === 0;
  const request = useMemo(() => ({ connector: connector.connector, to, only: chosen === null ? [] : [...chosen] }), [connector.connector, to, chosen]);
  // A plan is only as good as the moment it was made in.
  const answer = useAnswer("connectors.upgrade_plan", request, { forget: true, keep: true, enabled: !none });
  const apply = async () => {
    if (await move.upgrade(request)) onBack();
  };
  return (
    <section aria-label={text("versions.planTitle", { title: connector.title, version: to })} className="flex min-h-0 min-w-0 flex-1 flex-col">
      <div className="min-h-0 flex-1 overflow-auto">
        <div className="flex flex-col gap-4 border-b border-border px-6 py-4">
          <div className="flex flex-wrap items-baseline justify-between gap-4">
            <h2 className="text-title">{text("versions.planTitle", { title: connector.title, version: to })}</h2>
            {answer.data && !none && <Counts plan={answer.data} />}
          </div>
          {users.length > 1 && <Cohort names={users.map(({ connection }) => connection)} chosen={chosen} onChosen={setChosen} />}
        </div>
        {none ? (
          <p className="m-0 px-6 py-3 text-ink-muted">{text("versions.chooseSome")}</p>
        ) : (
          <Answer of={answer} doing={text("versions.computing")}>
            {(plan) => <Changes plan={plan} />}
          </Answer>
        )}
      </div>
      {move.error !== null && <Problem error={move.error} className="mx-6 my-3" />}
      <Footer plan={none ? undefined : answer.data} busy={move.pending || answer.isFetching} onApply={() => void apply()} onBack={onBack} />
    </section>
  );
}

function Counts({ plan }: { plan: UpgradePlan }) {
  const tables = plan.sources.flatMap(({ diff }) => diff?.tables ?? []);
  const count = (change: string) => tables.filter((table) => table.change === change).length;
  const counts = [
    ["add", count("added")],
    ["change", count("changed")],
    ["remove", count("removed")],
  ] as const;
  return (
    <span className="flex flex-wrap gap-4">
      {counts.map(([verb, many]) => many > 0 && <VerbWord key={verb} verb={verb} count={many} />)}
    </span>
  );
}

interface CohortProps {
  names: readonly string[];
  /** Null: everything. */
  chosen: ReadonlySet<string> | null;
  onChosen: (chosen: ReadonlySet<string> | null) => void;
}

/** Who moves: everything, or some connections first. */
function Cohort({ names, chosen, onChosen }: CohortProps) {
  const text = useText();
  const toggle = (name: string, ticked: boolean) => {
    const next = new Set(chosen);
    if (ticked) next.add(name);
    else next.delete(name);
    onChosen(next);
  };
  return (
    <div className="flex flex-col gap-2">
      <Choices
        inline
        legend={text("versions.cohort")}
        value={chosen === null ? "all" : "some"}
        onValue={(value) => onChosen(value === "all" ? null : new Set())}
        choices={[
          { value: "all", label: text("versions.everything") },
          { value: "some", label: text("versions.some") },
        ]}
      />
      {chosen !== null && (
        <div role="group" aria-label={text("versions.some")} className="flex flex-wrap gap-x-6 gap-y-1">
          {names.map((name) => (
            <Checkbox key={name} label={<bdi>{name}</bdi>} checked={chosen.has(name)} onValue={(ticked) => toggle(name, ticked)} />
          ))}
        </div>
      )}
    </div>
  );
}

function Changes({ plan }: { plan: UpgradePlan }) {
  const text = useText();
  const connections = useAnswer("connections.list", null).data ?? [];
  if (plan.sources.length === 0) return <p className="m-0 px-6 py-3 text-ink-muted">{text("versions.nothing", { version: plan.to })}</p>;
  const syncedBy = (source: SourceUpgrade) => (table: string) =>
    connections.filter(({ name, tables }) => source.connections.includes(name) && tables.includes(table)).map(({ name }) => name);
  return plan.sources.map((source) => (
    <section key={source.source} aria-labelledby={`versions-of-${source.source}`}>
      <div className="flex min-h-10 items-center gap-3 border-b border-border bg-sunken px-6">
        <h3 id={`versions-of-${source.source}`} className="text-heading">
          <bdi>{source.source}</bdi>
        </h3>
        <span className="num text-ink-muted">{text("versions.fromTo", { from: source.from, to: plan.to })}</span>
        {source.connections.length > 0 && <span className="min-w-0 truncate text-ink-muted">{text("versions.for", { names: source.connections.join(", ") })}</span>}
      </div>
      <SchemaChanges upgrade={source} syncedBy={syncedBy(source)} />
      {source.connections.map((connection) => (
        <Rehearse key={`${connection} ${plan.to}`} connection={connection} to={plan.to} />
      ))}
    </section>
  ));
}

interface FooterProps {
  plan: UpgradePlan | undefined;
  busy: boolean;
  onApply: () => void;
  onBack: () => void;
}

function Footer({ plan, busy, onApply, onBack }: FooterProps) {
  const text = useText();
  const blocked = plan && plan.sources.length > 0 ? undefined : text(plan ? "versions.nothing" : "versions.noPlan", { version: plan?.to ?? "" });
  const grave = plan !== undefined && takesAway(plan);
  const commands = useMemo<Command[]>(
    () => [
      { id: "plan.apply", title: text("plan.apply"), group: "run", shortcut: "mod+enter", disabled: busy || blocked !== undefined, run: onApply },
    ],
    [text, busy, blocked, onApply],
  );
  useCommands(commands);
  const notByEnterAlone = (event: KeyboardEvent) => {
    if (grave && event.key === "Enter" && !event.ctrlKey && !event.metaKey) event.preventDefault();
  };
  return (
    <div className="flex flex-wrap items-center gap-3 border-t border-border px-6 py-3">
      <Button look="primary" shortcut="mod+enter" blocked={blocked} disabled={busy} aria-keyshortcuts="Control+Enter" onKeyDown={notByEnterAlone} onClick={onApply}>
        {text("versions.apply", { count: plan ? movedBy(plan) : 0 })}
      </Button>
      <span className="min-w-0 text-ink-muted">{grave ? text("plan.notByEnter", { keys: spelled("mod+enter") }) : text("versions.applyMeaning")}</span>
      <Button look="quiet" className="ms-auto" onClick={onBack}>
        {text("common.back")}
      </Button>
    </div>
  );
}
