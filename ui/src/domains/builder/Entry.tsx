import { Blocks, Braces, FilePlus2, FolderOpen, type LucideIcon, SquareTerminal, Trash2 } from "lucide-react";
import { type DragEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { useAction, useAnswer } from "~/api/client";
import type { DraftFrom, KeptDraft, PracticeApi } from "~/api/generated";
import { connectorName } from "~/domains/systems/origin";
import { type MessageId, useText } from "~/shared/text";
import { Button, IconButton } from "~/shared/ui/Button";
import { Field, TextArea, TextInput } from "~/shared/ui/Field";
import { Problem } from "~/shared/ui/Problem";

export type Way = "openapi" | "sample" | "curl" | "empty" | "file";

const ways: readonly { way: Way; icon: LucideIcon }[] = [
  { way: "openapi", icon: Blocks },
  { way: "sample", icon: Braces },
  { way: "curl", icon: SquareTerminal },
  { way: "empty", icon: FilePlus2 },
  { way: "file", icon: FolderOpen },
];

interface EntryProps {
  /** An address that was pasted elsewhere. */
  address: string;
  pending: boolean;
  error: unknown;
  onDraft: (from: DraftFrom) => void;
  onManifest: (yaml: string, name: string, changes: string | null) => void;
  onKept: (draft: KeptDraft) => void;
}

/** What a connector can be made from. */
export function Entry({ address, pending, error, onDraft, onManifest, onKept }: EntryProps) {
  const text = useText();
  const [way, setWay] = useState<Way>("openapi");
  const [url, setUrl] = useState(address);
  const [pasted, setPasted] = useState("");
  const switchTo = (next: Way) => {
    setWay(next);
    setPasted("");
    setUrl("");
  };
  const practise = (api: PracticeApi) => {
    const next = api.openapi ? "openapi" : "sample";
    switchTo(next);
    setUrl(api.openapi ?? api.sample ?? "");
  };
  return (
    <div className="flex min-h-0 flex-1 flex-col gap-5 overflow-auto px-6 py-5">
      <p className="m-0 max-w-2xl text-ink-muted">{text("builder.intro")}</p>
      <div className="flex min-h-0 flex-wrap items-start gap-6">
        <ul aria-label={text("builder.begin")} className="m-0 flex w-96 shrink-0 list-none flex-col gap-1 p-0">
          {ways.map(({ way: each, icon: Icon }) => (
            <li key={each}>
              <button
                type="button"
                aria-pressed={each === way}
                onClick={() => switchTo(each)}
                className="flex w-full items-center gap-3 rounded-control border border-border bg-surface px-3 py-2 text-left hover:bg-sunken aria-pressed:border-accent aria-pressed:bg-accent-soft"
              >
                <Icon size={20} strokeWidth={1.5} aria-hidden className="shrink-0 text-ink-muted" />
                <span>
                  <span className="block font-medium">{text(`builder.from.${each}`)}</span>
                  <span className="block text-ink-muted">{text(`builder.from.${each}Help`)}</span>
                </span>
              </button>
            </li>
          ))}
        </ul>
        <div className="flex max-w-2xl min-w-96 flex-1 flex-col gap-4">
          <Input key={way} way={way} url={url} pasted={pasted} pending={pending} onUrl={setUrl} onPasted={setPasted} onDraft={onDraft} onManifest={onManifest} />
          {error !== null && <Problem error={error} />}
          {way === "file" && <OfProject onManifest={onManifest} />}
        </div>
      </div>
      <div className="flex flex-wrap items-start gap-6">
        <Practice onUse={practise} />
        <Kept onKept={onKept} />
      </div>
    </div>
  );
}

interface InputProps {
  way: Way;
  url: string;
  pasted: string;
  pending: boolean;
  onUrl: (url: string) => void;
  onPasted: (text: string) => void;
  onDraft: EntryProps["onDraft"];
  onManifest: EntryProps["onManifest"];
}

function Input({ way, url, pasted, pending, onUrl, onPasted, onDraft, onManifest }: InputProps) {
  const text = useText();
  const [file, setFile] = useState("");
  const trimmed = { url: url.trim() || null, text: pasted.trim() === "" ? null : pasted };
  const act = () => {
    if (pending) return;
    if (way === "empty") onDraft({ kind: "empty" });
    else if (way === "curl") onDraft({ kind: "curl", text: pasted });
    else if (way === "sample") onDraft({ kind: "sample", ...trimmed });
    else if (way === "openapi") onDraft({ kind: "open_api", ...trimmed, chosen: null });
    else if (pasted.trim() !== "") onManifest(pasted, connectorName(file), null);
  };
  const words: Record<Way, MessageId> = { openapi: "builder.read", sample: "builder.make", curl: "builder.make", empty: "builder.startEmpty", file: "builder.openFile" };
  const areas: Partial<Record<Way, MessageId>> = { openapi: "builder.paste", sample: "builder.pasteJson", curl: "builder.pasteCurl", file: "builder.pasteYaml" };
  const area = areas[way];
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        act();
      }}
    >
      {way === "openapi" && (
        <Field label={text("builder.address")}>
          {(ids) => <TextInput {...ids} value={url} placeholder={text("builder.addressExample")} onValue={onUrl} />}
        </Field>
      )}
      {way === "sample" && (
        <Field label={text("builder.sampleAddress")} help={text("builder.sampleAddressHelp")}>
          {(ids) => <TextInput {...ids} value={url} placeholder="https://" onValue={onUrl} />}
        </Field>
      )}
      {area && (
        <DropArea
          onFile={(content, name) => {
            onPasted(content);
            setFile(name);
          }}
        >
          <Field label={text(area)} help={text("builder.dropHint")}>
            {(ids) => <TextArea {...ids} className="min-h-36!" value={pasted} onValue={onPasted} />}
          </Field>
        </DropArea>
      )}
      <Button look="primary" type="submit" className="self-start" disabled={pending}>
        {text(pending ? "builder.reading" : words[way])}
      </Button>
    </form>
  );
}

/** Takes a file that is dropped or chosen. */
function DropArea({ onFile, children }: { onFile: (content: string, name: string) => void; children: ReactNode }) {
  const text = useText();
  const picker = useRef<HTMLInputElement>(null);
  const take = (file: File | undefined) => {
    if (file) void file.text().then((content) => onFile(content, file.name));
  };
  const onDrop = (event: DragEvent) => {
    const [file] = event.dataTransfer.files;
    if (!file) return;
    event.preventDefault();
    take(file);
  };
  return (
    <div onDragOver={(event) => event.preventDefault()} onDrop={onDrop} className="flex flex-col gap-2">
      {children}
      <input
        ref={picker}
        type="file"
        accept=".json,.yaml,.yml,.txt"
        aria-label={text("builder.chooseFile")}
        tabIndex={-1}
        className="sr-only"
        onChange={(event) => take(event.target.files?.[0])}
      />
      <Button size="small" className="self-start" onClick={() => picker.current?.click()}>
        {text("builder.chooseFile")}
      </Button>
    </div>
  );
}

function OfProject({ onManifest }: { onManifest: EntryProps["onManifest"] }) {
  const text = useText();
  const connectors = useAnswer("connectors.list", null).data?.filter(({ origin }) => origin !== "program") ?? [];
  const open = useAction("builder.open");
  if (connectors.length === 0) return null;
  const act = async (name: string) => {
    const opened = await open.run({ name });
    if (opened) onManifest(opened.yaml, name, name);
  };
  return (
    <section className="flex flex-col gap-1">
      <h2 className="text-heading">{text("builder.ofProject")}</h2>
      <ul className="m-0 flex list-none flex-col gap-1 p-0">
        {connectors.map(({ name, title }) => (
          <li key={name}>
            <Button look="quiet" onClick={() => void act(name)}>
              {title}
            </Button>
          </li>
        ))}
      </ul>
      {open.error !== null && <Problem error={open.error} />}
    </section>
  );
}

function Practice({ onUse }: { onUse: (api: PracticeApi) => void }) {
  const text = useText();
  const apis = useAnswer("builder.practice", null).data ?? [];
  if (apis.length === 0) return null;
  return (
    <section className="flex w-96 flex-col gap-2">
      <div>
        <h2 className="text-heading">{text("builder.practice")}</h2>
        <p className="m-0 text-ink-muted">{text("builder.practiceHelp")}</p>
      </div>
      {apis.map((api) => {
        const id = api.id === "help_desk" ? "help_desk" : "weather";
        const name = text(`builder.practice.${id}`);
        return (
          <div key={api.id} className="flex items-center gap-3">
            <Button size="small" onClick={() => onUse(api)}>
              {text("builder.practiceUse", { name })}
            </Button>
            <span className="text-ink-muted">{text(`builder.practice.${id}Help`, { key: api.key ?? "" })}</span>
          </div>
        );
      })}
    </section>
  );
}

function Kept({ onKept }: { onKept: (draft: KeptDraft) => void }) {
  const text = useText();
  const drafts = useAnswer("builder.drafts", null).data ?? [];
  const forget = useAction("builder.forget");
  if (drafts.length === 0) return null;
  return (
    <section className="flex flex-col gap-2">
      <h2 className="text-heading">{text("builder.drafts")}</h2>
      <ul className="m-0 flex list-none flex-col gap-1 p-0">
        {drafts.map((draft) => (
          <li key={draft.name} className="flex items-center gap-2">
            <Button size="small" onClick={() => onKept(draft)}>
              {text("builder.goOn", { name: draft.name })}
            </Button>
            <IconButton icon={Trash2} label={text("builder.forget", { name: draft.name })} onClick={() => void forget.run({ name: draft.name })} />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Keeps a draft a moment after it was changed. */
export function useKeeping(draft: KeptDraft | null): boolean | null {
  const keep = useAction("builder.keep");
  const [kept, setKept] = useState<boolean | null>(null);
  const forget = useAction("builder.forget");
  const { run } = keep;
  const { run: runForget } = forget;
  const last = useRef<string | null>(null);
  const written = JSON.stringify(draft);
  useEffect(() => {
    const wanted = JSON.parse(written) as KeptDraft | null;
    if (!wanted) last.current = null;
    if (!wanted || !/^[a-z][a-z0-9-]*$/.test(wanted.name)) return undefined;
    const timer = setTimeout(async () => {
      const answer = await run(wanted);
      setKept(answer !== undefined);
      // A draft that was renamed is not kept twice.
      if (last.current !== null && last.current !== wanted.name) await runForget({ name: last.current });
      last.current = wanted.name;
    }, KEEP_AFTER_MS);
    return () => clearTimeout(timer);
  }, [written, run, runForget]);
  return draft === null ? null : kept;
}

const KEEP_AFTER_MS = 600;
