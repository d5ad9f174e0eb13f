import { CircleCheck, CircleDashed } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { useAction, useAnswer } from "~/api/client";
import type { LookAnswer, SavedConnector } from "~/api/generated";
import { usePlatform } from "~/platform";
import { useText } from "~/shared/text";
import { Button } from "~/shared/ui/Button";
import { Dialog } from "~/shared/ui/Dialog";
import { Field, TextInput } from "~/shared/ui/Field";
import { Problem } from "~/shared/ui/Problem";
import { textAt } from "./json";
import type { Manifest } from "./manifest";
import { useBuilder } from "./store";

const YamlDiff = lazy(() => import("./YamlDiff"));

interface SaveDialogProps {
  manifest: Manifest;
  look: LookAnswer | undefined;
  onClose: () => void;
  onSaved: (name: string, saved: SavedConnector) => void;
}

/** What is open, before the connector goes into the catalogue. */
export function SaveDialog({ manifest, look, onClose, onSaved }: SaveDialogProps) {
  const text = useText();
  const platform = usePlatform();
  const { working, trials, apply } = useBuilder();
  const save = useAction("builder.save");
  const known = useAnswer("connectors.list", null).data;
  const used = useAnswer("builder.open", { name: working?.changes ?? "" }, { enabled: working !== null && working.changes !== null });
  const [description, setDescription] = useState(textAt(manifest.raw, ["description"]) ?? "");
  if (!working) return null;
  const results = manifest.tables.flatMap(({ name }) => trials[name] ?? []);
  const findings = results.flatMap((result) => result.findings);
  const loads = look !== undefined && look.problem === null;
  const points = [
    { id: "loads", done: loads },
    { id: "signIn", done: results.length > 0 && !findings.some(({ field, severity }) => field === "sign_in" && severity === "problem") },
    { id: "tested", done: results.some((result) => result.row_count > 0) },
    { id: "problems", done: results.length > 0 && !findings.some(({ severity }) => severity === "problem") },
    { id: "keys", done: manifest.tables.length > 0 && manifest.tables.every(({ key }) => key === "custom" || key.length > 0) },
    { id: "guesses", done: working.guesses.length === 0 },
    { id: "description", done: description.trim() !== "" },
  ] as const;
  const replaces = working.changes === working.name;
  const isUsed = replaces && (used.data?.used_by.length ?? 0) > 0;
  const taken = !replaces && (known?.some(({ name }) => name === working.name) ?? false);
  const act = async () => {
    if (description.trim() !== "") apply([{ path: ["description"], value: description.trim() }]);
    const yaml = useBuilder.getState().working?.yaml ?? working.yaml;
    const saved = await save.run({ name: working.name, yaml, replace: replaces });
    if (saved !== undefined) onSaved(working.name, saved);
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={text("builder.check")}
      wide={replaces}
      footer={
        <>
          <Button onClick={() => platform.save(`${working.name}.yaml`, "application/yaml", working.yaml)}>{text("builder.export")}</Button>
          <Button onClick={onClose}>{text("common.cancel")}</Button>
          <Button look="primary" disabled={save.pending} blocked={loads ? (taken ? text("builder.nameTaken") : undefined) : (look?.problem?.message ?? text("builder.broken"))} onClick={() => void act()}>
            {text(isUsed ? "builder.saveNext" : replaces ? "builder.saveReplace" : "builder.saveNow")}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <ul aria-label={text("builder.check")} className="m-0 flex list-none flex-col gap-1 p-0">
          {points.map(({ id, done }) => {
            const Icon = done ? CircleCheck : CircleDashed;
            return (
              <li key={id} data-done={done} className="flex items-center gap-2">
                <Icon size={16} strokeWidth={1.75} aria-hidden className={done ? "text-ok" : "text-ink-subtle"} />
                <span className={done ? "" : "text-ink-muted"}>{text(`builder.check.${id}`)}</span>
                <span className="sr-only">{done ? "✓" : "–"}</span>
              </li>
            );
          })}
        </ul>
        <Field label={text("builder.description")} help={text("builder.descriptionHelp")}>
          {(ids) => <TextInput {...ids} value={description} onValue={setDescription} />}
        </Field>
        <p className="m-0 text-ink-muted">{taken ? text("builder.nameTaken") : text("builder.saveAnyway")}</p>
        {replaces && used.data && used.data.yaml !== working.yaml && (
          <section className="flex flex-col gap-1">
            <h3 className="text-heading">{text("builder.changes")}</h3>
            <Suspense fallback={null}>
              <YamlDiff label={text("builder.changes")} before={used.data.yaml} after={working.yaml} />
            </Suspense>
          </section>
        )}
        {isUsed && <p className="m-0 text-warn">{text("builder.saveUsed", { names: used.data?.used_by.join(", ") ?? "" })}</p>}
        {save.error !== null && <Problem error={save.error} />}
      </div>
    </Dialog>
  );
}
