import { useNavigate, useSearch } from "@tanstack/react-router";
import clsx from "clsx";
import { Check, X } from "lucide-react";
import { useState } from "react";
import { useAnswer } from "~/api/client";
import type { ConnectorInfo, Side } from "~/api/generated";
import { Catalogue } from "~/domains/systems/Catalogue";
import { type Pasted, type Values, withoutSecrets } from "~/domains/systems/form";
import { SystemSetup } from "~/domains/systems/SystemSetup";
import { TablesStep } from "~/domains/tables/TablesStep";
import { useText } from "~/shared/text";
import { Button } from "~/shared/ui/Button";
import { Loading } from "~/shared/ui/feedback";
import { PageHeader } from "~/shared/ui/layout";
import { Problem } from "~/shared/ui/Problem";
import { type Step, steps, useDraft } from "./draft";
import { useKeptDraft } from "./keep";
import { ReviewStep } from "./ReviewStep";

/** From nothing to a connection whose plan can be read, in four steps that can be left and taken up again. */
export default function WizardView() {
  const text = useText();
  const navigate = useNavigate();
  const search = useSearch({ from: "/new" });
  const { ready, error, kept, discard } = useKeptDraft(search.draft, (name) => {
    void navigate({ to: "/new", search: { draft: name }, replace: true });
  });
  const finish = async (connection: string) => {
    await discard();
    await navigate({ to: "/connections/$name/$tab", params: { name: connection, tab: "plan" } });
  };
  return (
    <>
      <PageHeader title={text("wizard.title")}>
        <span role="status" className={kept === false ? "text-warn" : "text-ink-subtle"}>
          {kept !== null && text(kept ? "wizard.draft" : "wizard.draftNotKept")}
        </span>
        <Button look="quiet" icon={X} onClick={() => void navigate({ to: "/" })}>
          {text("wizard.cancel")}
        </Button>
      </PageHeader>
      {error !== null && <Problem error={error} className="m-6" />}
      {error === null && (ready ? <Steps onSaved={finish} /> : <Loading doing={text("wizard.draftOpening")} />)}
    </>
  );
}

function Steps({ onSaved }: { onSaved: (connection: string) => Promise<void> }) {
  const { step, source, selection, set } = useDraft();
  return (
    <div className="flex min-h-0 flex-1">
      <Rail />
      <div className="flex min-w-0 flex-1 flex-col">
        {step === "source" && <SystemStep key="source" side="source" />}
        {step === "destination" && <SystemStep key="destination" side="destination" />}
        {step === "tables" && source && (
          <TablesStep
            source={source}
            selection={selection}
            onSelection={(next) => set({ selection: next })}
            onContinue={() => set({ step: "review" })}
          />
        )}
        {step === "review" && <ReviewStep onSaved={onSaved} />}
      </div>
    </div>
  );
}

/** Which step; those behind can be gone back to. */
function Rail() {
  const text = useText();
  const { step, source, destination, selection, set } = useDraft();
  const done: Record<Step, boolean> = {
    source: source !== null,
    destination: destination !== null,
    tables: Object.keys(selection).length > 0,
    review: false,
  };
  const reachable = (wanted: Step) => steps.slice(0, steps.indexOf(wanted)).every((before) => done[before]);
  return (
    <nav aria-label={text("wizard.steps")} className="flex w-fit max-w-60 min-w-40 shrink-0 flex-col gap-1 border-e border-border p-2">
      {steps.map((each, index) => (
        <button
          key={each}
          type="button"
          aria-current={each === step ? "step" : undefined}
          disabled={!reachable(each)}
          onClick={() => set({ step: each })}
          className={clsx(
            "flex min-h-10 items-center gap-3 rounded-control border-0 px-3 text-start disabled:text-ink-subtle",
            each === step ? "bg-accent-soft font-medium" : "bg-transparent hover:bg-sunken",
          )}
        >
          <span
            className={clsx(
              "num flex size-5 shrink-0 items-center justify-center rounded-pill border text-caption",
              each === step ? "border-transparent bg-accent text-on-accent" : "border-border-strong",
            )}
          >
            {done[each] && each !== step ? <Check size={12} strokeWidth={2} aria-label={text("wizard.steps.done")} /> : index + 1}
          </span>
          <span className="min-w-0">
            <span className="block">{text(`wizard.${each}`)}</span>
            {each === "source" && source && <bdi className="block truncate text-ink-muted">{source}</bdi>}
            {each === "destination" && destination && <bdi className="block truncate text-ink-muted">{destination}</bdi>}
          </span>
        </button>
      ))}
    </nav>
  );
}

/** Choose a system, or set up a new one. */
function SystemStep({ side }: { side: Side }) {
  const text = useText();
  const navigate = useNavigate();
  const { systems, set } = useDraft();
  const connectors = useAnswer("connectors.list", null).data;
  // Secrets of a pasted address live here until the form has them, and nowhere else.
  const [secrets, setSecrets] = useState<Values>({});
  const draft = systems[side];
  const connector = draft && connectors?.find(({ name }) => name === draft.connector);

  const without = () => {
    const { [side]: _, ...rest } = systems;
    return rest;
  };
  const finish = (name: string) => {
    // Another source has other tables.
    set(side === "source" ? { source: name, selection: {}, step: "destination", systems: without() } : { destination: name, step: "tables", systems: without() });
  };
  const begin = (picked: ConnectorInfo, pasted: Pasted | null) => {
    setSecrets(pasted?.secrets ?? {});
    set({ systems: { ...systems, [side]: { connector: picked.name, name: "", values: pasted?.values ?? {} } } });
  };
  if (draft && connector) {
    return (
      <SystemSetup
        side={side}
        connector={connector}
        name={draft.name}
        values={draft.values}
        secrets={secrets}
        onDraft={(name, values, fields) =>
          set({ systems: { ...systems, [side]: { connector: connector.name, name, values: withoutSecrets(fields, values) } } })
        }
        onSaved={({ name }) => finish(name)}
        onAnother={() => set({ systems: without() })}
      />
    );
  }
  return (
    <div className="flex min-h-0 flex-1 flex-col gap-4 overflow-auto px-6 py-5">
      <h2 className="text-title">{text(side === "source" ? "wizard.pickSource" : "wizard.pickDestination")}</h2>
      <Catalogue
        side={side}
        onExisting={({ name }) => finish(name)}
        onConnector={begin}
        onBuild={(openapi) => void navigate({ to: "/builder", search: openapi === null ? {} : { openapi } })}
      />
    </div>
  );
}
