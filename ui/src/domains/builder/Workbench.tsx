import { RotateCcw, Save, Sparkles } from "lucide-react";
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from "react";
import { useAction, useAnswer } from "~/api/client";
import type { SavedConnector } from "~/api/generated";
import { assemble } from "~/domains/systems/form";
import { type Command, useCommands } from "~/shared/commands";
import { useText } from "~/shared/text";
import { Button, IconButton } from "~/shared/ui/Button";
import { Empty, Loading } from "~/shared/ui/feedback";
import { TextInput } from "~/shared/ui/Field";
import { PageHeader, Segments } from "~/shared/ui/layout";
import { Problem } from "~/shared/ui/Problem";
import { ConnectionForm, ErrorsForm, SignInForm } from "./ConnectionForms";
import { partOf } from "./findings";
import { LiveTest } from "./LiveTest";
import { addTable, readManifest, type Table } from "./manifest";
import { freeName, Outline } from "./Outline";
import { FindingLine } from "./Remark";
import { SaveDialog } from "./SaveDialog";
import { partIs, useBuilder, type Working } from "./store";
import { TableForm } from "./TableForm";

const HelpDialog = lazy(() => import("./HelpDialog"));
const YamlEditor = lazy(() => import("./YamlEditor"));

interface WorkbenchProps {
  working: Working;
  /** Whether the draft is kept for later; null: not yet known. */
  kept: boolean | null;
  onLeave: () => void;
  onSaved: (name: string, saved: SavedConnector) => void;
}

/** Outline, form and live test of a connector that is being made. */
export function Workbench({ working, kept, onLeave, onSaved }: WorkbenchProps) {
  const text = useText();
  const { part, values, trials, asText, show, rename, confirm, apply, write, setTrial, setAsText } = useBuilder();
  const manifest = useMemo(() => readManifest(working.yaml), [working.yaml]);
  const look = useAnswer("builder.look", { yaml: working.yaml }, { keep: true, forget: true });
  const trial = useAction("builder.trial");
  const [replay, setReplay] = useState(false);
  const [saving, setSaving] = useState(false);
  const [asking, setAsking] = useState(false);
  const helper = useAnswer("helper.get", null).data ?? null;
  const fields = look.data?.fields ?? [];
  const table = manifest.tables.find(({ name }) => partIs(part, name)) ?? manifest.tables[0] ?? null;
  const shownTable = typeof part === "object" ? table : null;
  const problem = manifest.broken ?? look.data?.problem ?? null;

  const send = async (twice: boolean) => {
    if (!table || trial.pending) return;
    const result = await trial.run({ yaml: working.yaml, table: table.name, ...assemble(fields, values), replay, twice });
    if (result) setTrial(table.name, result);
  };
  const duplicate = (from: Table) => {
    const name = freeName(`${from.name}_copy`, manifest);
    apply(addTable(manifest, name, from));
    show({ table: name });
  };
  const nextProblem = () => {
    const open = manifest.tables.flatMap((each) => (trials[each.name]?.findings ?? []).filter(({ severity }) => severity !== "proved").map((finding) => ({ table: each.name, finding })));
    const first = open.find(({ finding }) => finding.severity === "problem") ?? open[0];
    if (!first) return;
    const where = partOf[first.finding.field];
    setAsText(where === "yaml");
    if (where !== "yaml") show(where === "table" ? { table: first.table } : where);
    requestAnimationFrame(() => {
      const line = document.querySelector<HTMLElement>(`[data-finding="${first.finding.severity}"]`);
      line?.scrollIntoView({ block: "center" });
      (line?.closest("[data-slot]") ?? line?.parentElement)?.querySelector<HTMLElement>("input, button, textarea")?.focus();
    });
  };
  useWorkbenchCommands({ send: () => void send(false), duplicate: () => shownTable && duplicate(shownTable), nextProblem, toggle: () => setAsText(!asText) });

  const notLoaded = Object.values(trials).flatMap(({ findings }) => findings.filter(({ field }) => field === "manifest"));
  return (
    <>
      <PageHeader title={text("builder.title")}>
        <TextInput aria-label={text("builder.name")} className="max-w-48 font-medium" value={working.name} onValue={(name) => rename(name.toLowerCase().replaceAll(/[^a-z0-9-]/g, "-"))} />
        <span className={working.guesses.length > 0 ? "text-new" : "text-ink-muted"}>{text("builder.guessesLeft", { count: working.guesses.length })}</span>
        {working.guesses.length > 0 && (
          <Button look="quiet" size="small" onClick={() => confirm(working.guesses)}>
            {text("builder.confirmAll")}
          </Button>
        )}
        <span role="status" className={kept === false ? "text-warn" : "text-ink-subtle max-xl:sr-only"}>
          {kept !== null && text(kept ? "builder.draftKept" : "builder.draftNotKept")}
        </span>
        <Segments
          label={text("builder.asText")}
          options={[
            { value: "form", label: text("builder.form") },
            { value: "yaml", label: text("builder.yaml") },
          ]}
          value={asText ? "yaml" : "form"}
          onValue={(value) => setAsText(value === "yaml")}
        />
        {helper && <IconButton icon={Sparkles} label={text("help.open")} onClick={() => setAsking(true)} />}
        <IconButton icon={RotateCcw} label={text("builder.back")} onClick={onLeave} />
        <Button icon={Save} onClick={() => setSaving(true)}>
          {text("builder.save")}
        </Button>
      </PageHeader>
      <div className="flex min-h-0 flex-1 overflow-x-auto">
        <Outline manifest={manifest} onDuplicate={duplicate} />
        <section aria-label={text(asText ? "builder.yaml" : "builder.form")} data-region tabIndex={-1} className="flex min-w-80 flex-1 flex-col border-r border-border outline-none">
          {problem && (
            <p role="alert" className="m-0 border-b border-border bg-bad-soft px-4 py-2 text-bad">
              {problem.line === null ? problem.message : text("builder.problemLine", { line: problem.line, message: problem.message })}
            </p>
          )}
          {asText ? (
            <Suspense fallback={<Loading doing={text("builder.yaml")} rows={6} />}>
              <YamlEditor label={text("builder.yaml")} value={working.yaml} onValue={write} line={problem?.line ?? null} />
            </Suspense>
          ) : manifest.broken ? (
            <Empty sentence={text("builder.broken")} actions={<Button onClick={() => setAsText(true)}>{text("builder.toYaml")}</Button>} />
          ) : (
            <div className="flex min-h-0 flex-1 flex-col gap-4 overflow-auto p-4">
              {notLoaded.map((finding) => (
                <FindingLine key={JSON.stringify(finding.what)} finding={finding} />
              ))}
              {part === "connection" && <ConnectionForm manifest={manifest} fields={fields} />}
              {part === "signIn" && <SignInForm manifest={manifest} fields={fields} />}
              {part === "errors" && <ErrorsForm manifest={manifest} />}
              {shownTable && <TableForm manifest={manifest} table={shownTable} />}
            </div>
          )}
        </section>
        <div className="flex w-[44%] min-w-96 flex-col">
          {trial.error !== null && <Problem error={trial.error} className="m-3" />}
          <LiveTest manifest={manifest} table={table} pending={trial.pending} replay={replay} onReplay={setReplay} onSend={(twice) => void send(twice)} />
        </div>
      </div>
      {asking && helper && (
        <Suspense fallback={null}>
          <HelpDialog working={working} table={table?.name ?? null} fields={fields} replay={replay} onClose={() => setAsking(false)} />
        </Suspense>
      )}
      {saving && <SaveDialog manifest={manifest} look={look.data} onClose={() => setSaving(false)} onSaved={onSaved} />}
    </>
  );
}

interface Acts {
  send: () => void;
  duplicate: () => void;
  nextProblem: () => void;
  toggle: () => void;
}

function useWorkbenchCommands(acts: Acts): void {
  const text = useText();
  const latest = useRef(acts);
  useEffect(() => {
    latest.current = acts;
  });
  const commands = useMemo<Command[]>(
    () => [
      { id: "builder.send", title: text("command.builderSend"), group: "run", shortcut: "mod+enter", run: () => latest.current.send() },
      { id: "builder.problem", title: text("command.builderProblem"), group: "view", shortcut: "f8", run: () => latest.current.nextProblem() },
      { id: "builder.duplicate", title: text("command.builderDuplicate"), group: "view", shortcut: "mod+d", run: () => latest.current.duplicate() },
      { id: "builder.yaml", title: text("command.builderYaml"), group: "view", shortcut: "mod+e", run: () => latest.current.toggle() },
    ],
    [text],
  );
  useCommands(commands);
}
