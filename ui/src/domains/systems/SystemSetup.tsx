import { useEffect, useMemo, useRef, useState } from "react";
import { useAction, useAnswer } from "~/api/client";
import type { ConnectorInfo, FormField, Side, SystemInfo } from "~/api/generated";
import { useChecks } from "~/live/checks";
import { type Command, useCommands } from "~/shared/commands";
import { type MessageId, useText } from "~/shared/text";
import { Answer } from "~/shared/ui/Answer";
import { Button } from "~/shared/ui/Button";
import { Field, TextInput } from "~/shared/ui/Field";
import { State, type StateName } from "~/shared/ui/State";
import { CheckList } from "./CheckList";
import { applicable, assemble, fromAddress, problemOf, type Values } from "./form";
import { SchemaForm } from "./SchemaForm";
import { Problem } from "~/shared/ui/Problem";

interface SystemSetupProps {
  side: Side;
  connector: ConnectorInfo;
  address: string | null;
  /** What a draft kept; without secrets. */
  draft: { name: string; values: Values } | null;
  onDraft: (name: string, values: Values, fields: readonly FormField[]) => void;
  onSaved: (system: SystemInfo) => void;
  onAnother: () => void;
}

/** The settings of a new system: form, guide beside it, live test, save. */
export function SystemSetup(props: SystemSetupProps) {
  const text = useText();
  const form = useAnswer("connectors.form", { connector: props.connector.name, side: props.side });
  return (
    <Answer of={form} doing={text("wizard.loading")}>
      {(fields) => <Setup key={`${props.side}:${props.connector.name}`} {...props} fields={fields} />}
    </Answer>
  );
}

const outcomes = {
  ready: { state: "done", word: "wizard.ready" },
  ready_with_limits: { state: "done_with_rejected", word: "wizard.readyWithLimits" },
  not_ready: { state: "failed", word: "wizard.notReady" },
} as const satisfies Record<string, { state: StateName; word: MessageId }>;

export const NAME = /^[a-z][a-z0-9-]*$/;

function Setup({ side, connector, address, draft, fields, onDraft, onSaved, onAnother }: SystemSetupProps & { fields: readonly FormField[] }) {
  const text = useText();
  const project = useAnswer("project.info", null).data;
  const systems = useAnswer("systems.list", null).data;
  const taken = useMemo(() => new Set(systems?.filter((each) => each.side === side).map(({ name }) => name)), [systems, side]);
  const [name, setName] = useState(() => draft?.name ?? freeName(connector.name, taken));
  const [values, setValues] = useState<Values>(() => (address ? fromAddress(address, fields) : (draft?.values ?? {})));
  const [strict, setStrict] = useState(false);
  const [focused, setFocused] = useState<FormField | null>(null);
  const [tested, setTested] = useState<{ values: Values; outcome: keyof typeof outcomes } | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const check = useAction("systems.check");
  const save = useAction("systems.save");
  const [id] = useState(() => crypto.randomUUID());
  const steps = useChecks((checks) => checks.steps[id]) ?? [];
  useEffect(() => () => useChecks.getState().forget(id), [id]);

  const nameError = NAME.test(name) ? (taken.has(name) ? text("wizard.nameTaken") : undefined) : text("wizard.nameWrong");
  const wrong = applicable(fields, values).filter((field) => problemOf(field, values) !== null);
  const valid = wrong.length === 0 && nameError === undefined;
  // An outcome is about the settings that were tested, not about those on screen.
  const outcome = tested && tested.values === values ? tested.outcome : null;

  const change = (next: Values) => {
    setValues(next);
    onDraft(name, next, fields);
  };
  const test = async () => {
    setStrict(true);
    if (!valid) {
      // The summary counts them; the first one gets the focus.
      requestAnimationFrame(() => box.current?.querySelector<HTMLElement>("[aria-invalid]")?.focus());
      return;
    }
    useChecks.getState().forget(id);
    setTested(null);
    const answer = await check.run({ check: id, side, connector: connector.name, ...assemble(fields, values) });
    if (answer) setTested({ values, outcome: answer.outcome });
  };
  const keep = async () => {
    const saved = await save.run({ side, name, connector: connector.name, ...assemble(fields, values) });
    if (saved) onSaved(saved);
  };
  const passed = outcome === "ready" || outcome === "ready_with_limits";
  const act = () => void (passed ? keep() : test());
  useActCommand(act, text(passed ? "wizard.save" : "wizard.test"));

  return (
    <div className="flex min-h-0 flex-1">
      <div ref={box} className="flex min-w-0 flex-1 flex-col">
        <form
          id={id}
          className="min-h-0 flex-1 overflow-auto px-6 py-5"
          onSubmit={(event) => {
            event.preventDefault();
            act();
          }}
        >
          <div className="flex max-w-[480px] flex-col gap-5">
            <div className="flex items-center justify-between">
              <h2 className="text-title">{connector.title}</h2>
              <Button look="quiet" size="small" onClick={onAnother}>
                {text("wizard.another")}
              </Button>
            </div>
            {strict && !valid && wrong.length > 1 && (
              <p role="alert" className="m-0 text-bad">
                {text("wizard.missing", { count: wrong.length })}
              </p>
            )}
            <Field label={text("wizard.name")} help={text("wizard.nameHelp")} error={strict ? nameError : undefined}>
              {(ids) => (
                <TextInput
                  {...ids}
                  value={name}
                  onValue={(next) => {
                    setName(next);
                    onDraft(next, values, fields);
                  }}
                />
              )}
            </Field>
            <SchemaForm
              fields={fields}
              values={values}
              onValues={change}
              strict={strict}
              secretStore={project?.secret_store}
              onField={setFocused}
            />
            {(steps.length > 0 || check.pending) && <CheckList steps={steps} running={check.pending} />}
            {check.error !== null && <Problem error={check.error} />}
            {save.error !== null && <Problem error={save.error} />}
          </div>
        </form>
        <div className="flex items-center gap-3 border-t border-border px-6 py-3">
          {passed ? (
            <Button look="primary" shortcut="mod+enter" type="submit" form={id} disabled={save.pending}>
              {text(outcome === "ready" ? "wizard.save" : "wizard.saveLimited")}
            </Button>
          ) : (
            <Button look="primary" shortcut="mod+enter" type="submit" form={id} disabled={check.pending}>
              {text(outcome ? "wizard.testAgain" : "wizard.test")}
            </Button>
          )}
          {outcome && <State state={outcomes[outcome].state} word={text(outcomes[outcome].word)} />}
        </div>
      </div>
      <Guide connector={connector} field={focused} />
    </div>
  );
}

function useActCommand(act: () => void, title: string): void {
  const latest = useRef(act);
  useEffect(() => {
    latest.current = act;
  });
  const commands = useMemo<Command[]>(
    () => [{ id: "wizard.act", title, group: "connection", shortcut: "mod+enter", run: () => latest.current() }],
    [title],
  );
  useCommands(commands);
}

/** Beside the form: what the field with the focus means. */
function Guide({ connector, field }: { connector: ConnectorInfo; field: FormField | null }) {
  const text = useText();
  return (
    <aside aria-label={text("wizard.guide")} className="flex w-[280px] shrink-0 flex-col gap-3 overflow-auto border-l border-border p-6 text-guide">
      <h3 className="text-heading">{text("wizard.guide")}</h3>
      <p className="m-0 text-ink-muted">{connector.description}</p>
      {field ? (
        <div>
          <p className="m-0 font-medium">{field.label}</p>
          {field.help && <p className="m-0 text-ink-muted">{field.help}</p>}
        </div>
      ) : (
        <p className="m-0 text-ink-muted">{text("wizard.guidePick")}</p>
      )}
    </aside>
  );
}

/** `postgres`, or `postgres-2` when that is taken. */
export function freeName(wanted: string, taken: ReadonlySet<string>): string {
  if (!taken.has(wanted)) return wanted;
  let number = 2;
  while (taken.has(`${wanted}-${number}`)) number += 1;
  return `${wanted}-${number}`;
}
