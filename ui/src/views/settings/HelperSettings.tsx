import { useState } from "react";
import { useAction, useAnswer } from "~/api/client";
import type { HelperInfo } from "~/api/generated";
import { useText } from "~/shared/text";
import { Answer } from "~/shared/ui/Answer";
import { Button } from "~/shared/ui/Button";
import { Field, TextInput } from "~/shared/ui/Field";
import { Problem } from "~/shared/ui/Problem";
import { toast } from "~/shared/ui/toast";

/** The language model that the builder may ask. There is none until somebody enters one. */
export function HelperSettings() {
  const text = useText();
  const answer = useAnswer("helper.get", null);
  return (
    <Answer of={answer} doing={text("settings.title")} rows={2}>
      {(helper) => <Form key={JSON.stringify(helper)} helper={helper} />}
    </Answer>
  );
}

function Form({ helper }: { helper: HelperInfo | null }) {
  const text = useText();
  const save = useAction("helper.save");
  const remove = useAction("helper.remove");
  const [url, setUrl] = useState(helper?.url ?? "");
  const [model, setModel] = useState(helper?.model ?? "");
  const [key, setKey] = useState("");
  const keeps = helper !== null && helper.has_key && helper.url === url.trim();
  const same = helper !== null && helper.url === url.trim() && helper.model === model.trim() && key === "";
  const submit = async () => {
    if ((await save.run({ url, model, key: key === "" ? null : key })) === undefined) return;
    setKey("");
    toast({ title: text("settings.helper.saved") });
  };
  const act = async () => {
    if ((await remove.run(null)) !== undefined) toast({ title: text("settings.helper.removed") });
  };
  return (
    <form
      className="flex max-w-xl flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <p className="m-0 text-ink-muted">{text(helper ? "settings.helper.on" : "settings.helper.off")}</p>
      <Field label={text("settings.helper.url")} help={text("settings.helper.urlHelp")}>
        {(ids) => <TextInput {...ids} value={url} placeholder="https://" onValue={setUrl} />}
      </Field>
      <Field label={text("settings.helper.model")} help={text("settings.helper.modelHelp")}>
        {(ids) => <TextInput {...ids} value={model} onValue={setModel} />}
      </Field>
      <Field label={text("settings.helper.key")} help={text(keeps ? "settings.helper.keyKept" : "settings.helper.keyHelp")} note={text("common.optional")}>
        {(ids) => <TextInput {...ids} type="password" autoComplete="new-password" value={key} onValue={setKey} />}
      </Field>
      {save.error !== null && <Problem error={save.error} />}
      {remove.error !== null && <Problem error={remove.error} />}
      <div className="flex gap-2">
        <Button type="submit" disabled={save.pending || same || url.trim() === "" || model.trim() === ""}>
          {text("settings.helper.save")}
        </Button>
        {helper && (
          <Button look="quiet" disabled={remove.pending} onClick={() => void act()}>
            {text("settings.helper.remove")}
          </Button>
        )}
      </div>
    </form>
  );
}
