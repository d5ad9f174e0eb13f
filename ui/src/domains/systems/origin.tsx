import clsx from "clsx";
import { useNavigate } from "@tanstack/react-router";
import { FileUp } from "lucide-react";
import { type DragEvent, useState } from "react";
import { useAction } from "~/api/client";
import type { ConnectorInfo, Origin } from "~/api/generated";
import { useText } from "~/shared/text";
import { Button } from "~/shared/ui/Button";
import { Dialog } from "~/shared/ui/Dialog";
import { Field, TextInput } from "~/shared/ui/Field";
import { Segments } from "~/shared/ui/layout";
import { Problem } from "~/shared/ui/Problem";
import { toast } from "~/shared/ui/toast";

export type OriginFilter = Origin | "all";

interface OriginsProps {
  offered: readonly ConnectorInfo[];
  value: OriginFilter;
  onValue: (value: OriginFilter) => void;
}

/** Which connectors are listed, by where they come from. */
export function Origins({ offered, value, onValue }: OriginsProps) {
  const text = useText();
  const count = (origin: Origin) => offered.filter((connector) => connector.origin === origin).length;
  const origins: readonly Origin[] = ["program", "built", "imported"];
  return (
    <Segments
      label={text("wizard.origin")}
      options={[{ value: "all" as OriginFilter, label: text("wizard.origin.all") }, ...origins.map((origin) => ({ value: origin, label: text(`wizard.origin.${origin}`), count: count(origin) }))]}
      value={value}
      onValue={onValue}
    />
  );
}

/** Whether an address leads to the description of an API. */
export function isDescription(address: string): boolean {
  return /^https?:\/\/\S+$/i.test(address.trim()) && /(openapi|swagger|api-docs)[^/]*$|\.(json|ya?ml)(\?\S*)?$/i.test(address.trim());
}

/** `path/to/source-acme.yaml` → `acme`. */
export function connectorName(file: string): string {
  const name = file
    .replace(/\.(ya?ml|json)$/i, "")
    .replace(/^source-/, "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, "-")
    .replaceAll(/^-+|-+$/g, "");
  return /^[a-z]/.test(name) && name !== "manifest" ? name : "my-api";
}

interface DropProps {
  /** Names that other connectors have. */
  taken: ReadonlySet<string>;
  /** Those of the project's own connectors, which can have a next version. */
  own: ReadonlySet<string>;
}

/** Takes a manifest that is dropped on it. */
export function ManifestDrop({ taken, own }: DropProps) {
  const text = useText();
  const [over, setOver] = useState(false);
  const [dropped, setDropped] = useState<{ file: string; yaml: string } | null>(null);
  const isFile = (event: DragEvent) => event.dataTransfer.types.includes("Files");
  const take = (event: DragEvent) => {
    if (!isFile(event)) return;
    event.preventDefault();
    setOver(false);
    const [file] = event.dataTransfer.files;
    if (file) void file.text().then((yaml) => setDropped({ file: file.name, yaml }));
  };
  return (
    <div
      className="mt-auto"
      onDragOver={(event) => {
        if (!isFile(event)) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => {
        if (event.currentTarget === event.target) setOver(false);
      }}
      onDrop={take}
    >
      <p className={clsx("m-0 flex min-h-12 items-center gap-2 rounded-control border border-dashed border-border-strong px-3 py-2 text-ink-muted", over && "bg-accent-soft")}>
        <FileUp size={16} strokeWidth={1.5} aria-hidden className="shrink-0" />
        {text(over ? "wizard.dropNow" : "wizard.drop")}
      </p>
      {dropped && <AddDialog key={dropped.file} {...dropped} taken={taken} own={own} onClose={() => setDropped(null)} />}
    </div>
  );
}

interface AddProps extends DropProps {
  file: string;
  yaml: string;
  onClose: () => void;
}

function AddDialog({ file, yaml, taken, own, onClose }: AddProps) {
  const text = useText();
  const navigate = useNavigate();
  const save = useAction("builder.save");
  const [name, setName] = useState(() => connectorName(file));
  const isNext = own.has(name);
  const isTaken = taken.has(name) && !isNext;
  const act = async () => {
    const saved = await save.run({ name, yaml, replace: isNext });
    if (saved === undefined) return;
    toast({ title: saved.beside ? text("builder.savedBeside", { name, version: saved.version }) : text("wizard.dropped", { name }) });
    onClose();
    if (saved.beside) await navigate({ to: "/versions", search: { connector: name, to: saved.version } });
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={text("wizard.dropName", { file })}
      footer={
        <>
          <Button onClick={onClose}>{text("common.cancel")}</Button>
          <Button look="primary" disabled={save.pending || isTaken} onClick={() => void act()}>
            {text(isNext ? "wizard.dropNext" : "wizard.dropAdd")}
          </Button>
        </>
      }
    >
      <Field
        label={text("builder.name")}
        help={isNext ? text("wizard.dropNextHelp") : undefined}
        error={isTaken ? text("builder.nameTaken") : undefined}
      >
        {(ids) => <TextInput {...ids} value={name} onValue={setName} />}
      </Field>
      {save.error !== null && <Problem error={save.error} className="mt-3" />}
    </Dialog>
  );
}
