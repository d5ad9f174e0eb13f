import { useState } from "react";
import { useAction, useAnswer } from "~/api/client";
import type { Settings } from "~/api/generated";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Answer } from "~/shared/ui/Answer";
import { Button } from "~/shared/ui/Button";
import { Choices, Field, TextInput } from "~/shared/ui/Field";
import { Problem } from "~/shared/ui/Problem";
import { toast } from "~/shared/ui/toast";
import { MINUTES_MAX, minutesOf } from "./minutes";

const MINUTES_FIRST = 60;

/** How old data may be before it counts as late. */
export function FreshnessTarget() {
  const text = useText();
  const answer = useAnswer("settings.get", null);
  return (
    <Answer of={answer} doing={text("settings.title")} rows={2}>
      {/* What was saved elsewhere is shown anew; what is being typed here stays until then. */}
      {(settings) => <Form key={String(settings.fresh_within_minutes)} settings={settings} />}
    </Answer>
  );
}

function Form({ settings }: { settings: Settings }) {
  const text = useText();
  const format = useFormat();
  const save = useAction("settings.save");
  const saved = settings.fresh_within_minutes;
  const [counts, setCounts] = useState(saved !== null);
  const [typed, setTyped] = useState(String(saved ?? MINUTES_FIRST));
  const minutes = minutesOf(typed);
  const wanted = counts ? minutes : null;
  const wrong = counts && minutes === null;
  const submit = async () => {
    if (wrong || (await save.run({ ...settings, fresh_within_minutes: wanted })) === undefined) return;
    toast({ title: text("settings.freshness.saved"), action: { label: text("common.undo"), run: () => void save.run(settings) } });
  };
  return (
    <form
      className="flex flex-col items-start gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <Choices
        legend={text("settings.freshness.kind")}
        value={counts ? "after" : "never"}
        onValue={(value) => setCounts(value === "after")}
        choices={[
          { value: "never", label: text("settings.freshness.never"), help: text("settings.freshness.neverHelp") },
          { value: "after", label: text("settings.freshness.after"), help: text("settings.freshness.afterHelp") },
        ]}
      />
      {counts && (
        <Field
          label={text("settings.freshness.minutes")}
          help={text("settings.freshness.minutesHelp")}
          error={wrong ? text("settings.freshness.wrong", { most: format.exact(MINUTES_MAX) }) : undefined}
        >
          {(ids) => <TextInput {...ids} inputMode="numeric" className="max-w-32" value={typed} onValue={setTyped} />}
        </Field>
      )}
      {save.error !== null && <Problem error={save.error} />}
      <Button type="submit" disabled={save.pending || wrong || wanted === saved}>
        {text("settings.freshness.save")}
      </Button>
    </form>
  );
}
