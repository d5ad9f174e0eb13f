import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { useAction, useAnswer } from "~/api/client";
import type { CheckOutcome, ConnectorForm, ConnectorInfo, FormField, Side, SignInInfo, SignInOutcome, SystemInfo } from "~/api/generated";
import { type Command, useCommands } from "~/shared/commands";
import { type MessageId, useText } from "~/shared/text";
import { Button } from "~/shared/ui/Button";
import { Field, TextInput } from "~/shared/ui/Field";
import { Problem } from "~/shared/ui/Problem";
import { State, type StateName } from "~/shared/ui/State";
import { Words } from "~/shared/ui/Words";
import { CheckList } from "./CheckList";
import { applicable, assemble, keyOf, problemOf, referenceOf, type References, type Values, valueOf } from "./form";
import { SchemaForm } from "./SchemaForm";
import { SignInPanel } from "./SignInPanel";
import { useSignIn } from "./useSignIn";
import { useSystemCheck } from "./useSystemCheck";

interface SystemFormProps {
  side: Side;
  connector: ConnectorInfo;
  /** The version of the connector that it stays on; none for the newest, or the only one. */
  version?: string | null;
  form: ConnectorForm;
  /** What the form begins with; secrets that were pasted included. */
  begin: { name: string; values: Values };
  /** Names that other systems of this side have; none when the name is fixed, because files refer to it. */
  taken: ReadonlySet<string> | null;
  /** References of the secrets that are stored. */
  references?: References;
  onChange?: (name: string, values: Values) => void;
  onSaved: (system: SystemInfo) => void;
  /** Actions beside the title. */
  aside: ReactNode;
}

const outcomes = {
  ready: { state: "done", word: "wizard.ready" },
  ready_with_limits: { state: "done_with_rejected", word: "wizard.readyWithLimits" },
  not_ready: { state: "failed", word: "wizard.notReady" },
} as const satisfies Record<CheckOutcome, { state: StateName; word: MessageId }>;

export const NAME = /^[a-z][a-z0-9-]*$/;
const nothing: References = {};

/** The settings of a system, new or not: form, guide beside it, live test, save. */
export function SystemForm(props: SystemFormProps) {
  const { side, connector, version = null, form, begin, taken, references = nothing, onChange, onSaved, aside } = props;
  const text = useText();
  const project = useAnswer("project.info", null).data;
  const [name, setName] = useState(begin.name);
  const [values, setValues] = useState<Values>(begin.values);
  const [strict, setStrict] = useState(false);
  const [focused, setFocused] = useState<FormField | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const save = useAction("systems.save");
  const check = useSystemCheck(values);
  const saved = useMemo(() => new Set(Object.keys(references)), [references]);
  const signIn = useSignIn();
  const way = offered(form.sign_in, form.fields, values) ? form.sign_in : null;
  const filled = useFilled(way, signIn.outcome);
  const reference = referenceOf(connector.name, version);
  // What is stored, and stays so, need not be typed again; nor what signing in fills.
  const fields = useMemo(
    () =>
      form.fields
        .filter(({ path }) => !filled.has(keyOf(path)))
        .map((field) => {
          const key = keyOf(field.path);
          return saved.has(key) && values[key] !== false ? { ...field, required: false } : field;
        }),
    [form.fields, saved, values, filled],
  );
  const lacking = way ? fields.filter(({ path }) => way.needs.includes(keyOf(path)) && !saved.has(keyOf(path)) && !values[keyOf(path)]) : [];

  const nameError = taken === null ? undefined : NAME.test(name) ? (taken.has(name) ? text("wizard.nameTaken") : undefined) : text("wizard.nameWrong");
  const wrong = applicable(fields, values).filter((field) => problemOf(field, values) !== null);
  const valid = wrong.length === 0 && nameError === undefined;
  const passed = check.outcome === "ready" || check.outcome === "ready_with_limits";

  const change = (nextName: string, next: Values) => {
    setName(nextName);
    setValues(next);
    onChange?.(nextName, next);
  };
  const act = async () => {
    setStrict(true);
    if (!valid) {
      // The summary counts them; the first one gets the focus.
      requestAnimationFrame(() => box.current?.querySelector<HTMLElement>("[aria-invalid]")?.focus());
      return;
    }
    const sent = { side, connector: reference, ...assemble(fields, values, references), sign_in: way && signIn.id };
    if (!passed) return check.run(sent);
    const answer = await save.run({ name, ...sent });
    if (answer) onSaved(answer);
  };
  useActCommand(() => void act(), text(passed ? "wizard.save" : "wizard.test"));

  return (
    <div className="flex min-h-0 flex-1">
      <div ref={box} className="flex min-w-0 flex-1 flex-col">
        <form
          id={check.id}
          className="min-h-0 flex-1 overflow-auto px-6 py-5"
          onSubmit={(event) => {
            event.preventDefault();
            void act();
          }}
        >
          <div className="flex max-w-[480px] flex-col gap-5">
            <div className="flex items-center justify-between">
              <h2 className="text-title">{connector.title}</h2>
              {aside}
            </div>
            {strict && !valid && wrong.length > 1 && (
              <p role="alert" className="m-0 text-bad">
                {text("wizard.missing", { count: wrong.length })}
              </p>
            )}
            {taken !== null && (
              <Field label={text("wizard.name")} help={text("wizard.nameHelp")} error={strict ? nameError : undefined}>
                {(ids) => <TextInput {...ids} value={name} onValue={(next) => change(next, values)} />}
              </Field>
            )}
            <SchemaForm
              fields={fields}
              values={values}
              onValues={(next) => change(name, next)}
              strict={strict}
              secretStore={project?.secret_store}
              saved={saved}
              onField={setFocused}
            />
            {way && (
              <SignInPanel
                title={connector.title}
                signIn={signIn}
                blocked={lacking.length > 0 ? text("signIn.needs", { fields: lacking.map(({ label }) => label).join(", ") }) : undefined}
                onBegin={() => {
                  // What was tested was tested without it.
                  change(name, { ...values });
                  const words = { done: text("signIn.pageDone"), failed: text("signIn.pageFailed") };
                  void signIn.begin({ side, connector: reference, ...assemble(fields, values, references), words });
                }}
              />
            )}
            {(check.steps.length > 0 || check.pending) && (
              <CheckList steps={check.steps} running={check.pending} onCancel={check.cancel} />
            )}
            {check.error !== null && <Problem error={check.error} />}
            {save.error !== null && <Problem error={save.error} />}
          </div>
        </form>
        <Footer form={check.id} outcome={check.outcome} busy={check.pending || save.pending} fixed={taken === null} />
      </div>
      <Guide connector={connector} field={focused} />
    </div>
  );
}

/** Whether signing in belongs to the way that is chosen. */
function offered(way: SignInInfo | null, fields: readonly FormField[], values: Values): boolean {
  if (!way) return false;
  const { when } = way;
  const decider = when && fields.find(({ path }) => keyOf(path) === keyOf(when.path));
  return !decider || String(valueOf(decider, values)) === String(when.equals);
}

const noneFilled: ReadonlySet<string> = new Set();

/** The settings that signing in has filled. */
function useFilled(way: SignInInfo | null, outcome: SignInOutcome | null): ReadonlySet<string> {
  return useMemo(() => (way && outcome?.how === "done" ? new Set(outcome.filled) : noneFilled), [way, outcome]);
}

/** One button: what comes next. */
function Footer({ form, outcome, busy, fixed }: { form: string; outcome: CheckOutcome | null; busy: boolean; fixed: boolean }) {
  const text = useText();
  const words: Record<CheckOutcome, MessageId> = {
    ready: fixed ? "wizard.saveChanges" : "wizard.save",
    ready_with_limits: fixed ? "wizard.saveChangesLimited" : "wizard.saveLimited",
    not_ready: "wizard.testAgain",
  };
  return (
    <div className="flex items-center gap-3 border-t border-border px-6 py-3">
      <Button look="primary" shortcut="mod+enter" type="submit" form={form} disabled={busy}>
        {text(outcome ? words[outcome] : "wizard.test")}
      </Button>
      {outcome && <State state={outcomes[outcome].state} word={text(outcomes[outcome].word)} />}
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
    <aside aria-label={text("wizard.guide")} className="flex w-[280px] shrink-0 flex-col gap-3 overflow-auto border-s border-border p-6 text-guide">
      <h3 className="text-heading">{text("wizard.guide")}</h3>
      <p className="m-0 text-ink-muted">{connector.description}</p>
      {field ? (
        <div>
          <p className="m-0 font-medium">{field.label}</p>
          {field.help && <p className="m-0 text-ink-muted"><Words>{field.help}</Words></p>}
        </div>
      ) : (
        <p className="m-0 text-ink-muted">{text("wizard.guidePick")}</p>
      )}
    </aside>
  );
}
