import { useMemo, useState } from "react";
import { useAction, useAnswer } from "~/api/client";
import { NAME } from "~/domains/systems/SystemForm";
import { freeName } from "~/domains/systems/SystemSetup";
import { asConfig } from "~/domains/tables/selection";
import { useText } from "~/shared/text";
import { Button } from "~/shared/ui/Button";
import { Field, TextInput } from "~/shared/ui/Field";
import { useDraft } from "./draft";
import { Problem } from "~/shared/ui/Problem";

/** The last look before the file is written. Nothing is synced here: the plan comes next. */
export function ReviewStep({ onSaved }: { onSaved: (connection: string) => Promise<void> }) {
  const text = useText();
  const { source, destination, selection, name, set } = useDraft();
  const tables = useAnswer("discover", { source: source ?? "", refresh: false }, { enabled: source !== null }).data;
  const connections = useAnswer("connections.list", null).data;
  const save = useAction("connections.save");
  const [strict, setStrict] = useState(false);
  const taken = useMemo(() => new Set(connections?.map((each) => each.name)), [connections]);
  const shown = name === "" ? freeName(`${source}-to-${destination}`, taken) : name;
  const error = NAME.test(shown) ? (taken.has(shown) ? text("wizard.nameTaken") : undefined) : text("wizard.nameWrong");
  const chosen = Object.keys(selection);

  const act = async () => {
    setStrict(true);
    if (error !== undefined || !tables) return;
    const config = { source, destination, tables: asConfig(tables, selection) };
    if ((await save.run({ connection: shown, config })) === undefined) return;
    await onSaved(shown);
  };
  return (
    <form
      className="flex min-h-0 flex-1 flex-col"
      onSubmit={(event) => {
        event.preventDefault();
        void act();
      }}
    >
      <div className="min-h-0 flex-1 overflow-auto px-6 py-5">
        <div className="flex max-w-[560px] flex-col gap-5">
          <h2 className="text-title">{text("review.title")}</h2>
          <Field label={text("review.name")} help={text("wizard.nameHelp")} error={strict ? error : undefined}>
            {(ids) => <TextInput {...ids} value={shown} onValue={(next) => set({ name: next })} />}
          </Field>
          <dl className="m-0 grid grid-cols-[112px_1fr] gap-y-2">
            <dt className="text-ink-muted">{text("review.from")}</dt>
            <dd className="m-0">
              <bdi>{source}</bdi>
            </dd>
            <dt className="text-ink-muted">{text("review.to")}</dt>
            <dd className="m-0">
              <bdi>{destination}</bdi>
            </dd>
            <dt className="text-ink-muted">{text("review.tables")}</dt>
            <dd className="m-0">
              <ul className="m-0 list-none p-0">
                {chosen.map((table) => (
                  <li key={table} className="flex gap-3">
                    <bdi>{table}</bdi>
                    <span className="text-ink-muted">{text(`plan.mode.${selection[table]?.mode ?? "merge"}`)}</span>
                  </li>
                ))}
              </ul>
            </dd>
          </dl>
          <p className="m-0 text-ink-muted">{text("review.meaning")}</p>
          {save.error !== null && <Problem error={save.error} />}
        </div>
      </div>
      <div className="flex items-center gap-3 border-t border-border px-6 py-3">
        <Button look="primary" type="submit" disabled={save.pending || !tables}>
          {text("review.save")}
        </Button>
      </div>
    </form>
  );
}
