import clsx from "clsx";
import { CircleCheck, Copy, CornerDownRight, Lightbulb, type LucideIcon, OctagonX, Plus, Table2, TriangleAlert } from "lucide-react";
import type { TrialFinding, Severity } from "~/api/generated";
import { type MessageId, useText } from "~/shared/text";
import { Button } from "~/shared/ui/Button";
import { partOf } from "./findings";
import { startsWith } from "./json";
import { addTable, type Manifest, type Table } from "./manifest";
import { type Part, partIs, useBuilder } from "./store";

const marks: Record<Severity, { icon: LucideIcon; ink: string; word: MessageId }> = {
  problem: { icon: OctagonX, ink: "text-bad", word: "builder.mark.problem" },
  unproved: { icon: TriangleAlert, ink: "text-warn", word: "builder.mark.unproved" },
  proved: { icon: CircleCheck, ink: "text-ok", word: "builder.mark.proved" },
};

/** The parts of the connector, each with what is open about it. */
export function Outline({ manifest, onDuplicate }: { manifest: Manifest; onDuplicate: (table: Table) => void }) {
  const text = useText();
  const { part, trials, show, apply, working } = useBuilder();
  const all = Object.values(trials).flatMap(({ findings }) => findings);
  const worst = (findings: readonly TrialFinding[]): Severity | null => {
    const order: readonly Severity[] = ["problem", "unproved", "proved"];
    return order.find((severity) => findings.some((finding) => finding.severity === severity)) ?? null;
  };
  const item = (own: Exclude<Part, object>) => (
    <Item key={own} label={text(`builder.part.${own}`)} current={part === own} mark={worst(all.filter(({ field }) => partOf[field] === own))} guessed={false} onShow={() => show(own)} />
  );
  const ordered = manifest.tables.filter(({ parent }) => parent === null || parent === "custom").flatMap((table) => [
    { table, child: false },
    ...manifest.tables.filter(({ parent }) => parent !== null && parent !== "custom" && parent.table === table.name).map((child) => ({ table: child, child: true })),
  ]);
  const others = manifest.tables.filter((table) => !ordered.some((each) => each.table === table)).map((table) => ({ table, child: true }));
  const current = manifest.tables.find(({ name }) => partIs(part, name));
  return (
    <nav aria-label={text("builder.outline")} data-region tabIndex={-1} className="flex w-44 shrink-0 flex-col gap-1 overflow-auto border-r border-border p-2 outline-none">
      {(["connection", "signIn"] as const).map(item)}
      <span className="px-2 pt-3 text-caption font-medium text-ink-muted">{text("builder.tables")}</span>
      {manifest.tables.length === 0 && <p className="m-0 px-2 text-ink-muted">{text("builder.noTables")}</p>}
      {[...ordered, ...others].map(({ table, child }) => (
        <Item
          key={table.path.join("/")}
          icon={child ? CornerDownRight : Table2}
          inset={child}
          label={table.name}
          current={partIs(part, table.name)}
          mark={worst(trials[table.name]?.findings ?? [])}
          guessed={working?.guesses.some(({ path }) => startsWith(path, table.path)) ?? false}
          onShow={() => show({ table: table.name })}
        />
      ))}
      <Button
        look="quiet"
        size="small"
        icon={Plus}
        className="self-start"
        onClick={() => {
          const name = freeName("table", manifest);
          apply(addTable(manifest, name, null));
          show({ table: name });
        }}
      >
        {text("builder.addTable")}
      </Button>
      {current && (
        <Button look="quiet" size="small" icon={Copy} className="self-start" onClick={() => onDuplicate(current)}>
          {text("builder.duplicateTable")}
        </Button>
      )}
      <span className="pt-2" />
      {item("errors")}
    </nav>
  );
}

export function freeName(wanted: string, manifest: Manifest): string {
  const taken = new Set(manifest.tables.map(({ name }) => name));
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? wanted : `${wanted}_${number}`;
    if (!taken.has(name)) return name;
  }
}

interface ItemProps {
  label: string;
  icon?: LucideIcon;
  inset?: boolean;
  current: boolean;
  mark: Severity | null;
  guessed: boolean;
  onShow: () => void;
}

function Item({ label, icon: Icon, inset = false, current, mark, guessed, onShow }: ItemProps) {
  const text = useText();
  const shown = mark && marks[mark];
  const Mark = shown?.icon;
  return (
    <button
      type="button"
      aria-current={current ? "true" : undefined}
      onClick={onShow}
      className={clsx("flex min-h-8 items-center gap-2 rounded-control border-0 px-2 text-left", inset && "pl-5", current ? "bg-accent-soft font-medium" : "bg-transparent hover:bg-sunken")}
    >
      {Icon && <Icon size={14} strokeWidth={1.5} aria-hidden className="shrink-0 text-ink-muted" />}
      <bdi className="min-w-0 flex-1 truncate">{label}</bdi>
      {guessed && <Lightbulb size={12} strokeWidth={1.75} aria-hidden className="shrink-0 text-new" />}
      {shown && Mark && <Mark size={14} strokeWidth={1.75} role="img" aria-label={text(shown.word)} className={clsx("shrink-0", shown.ink)} />}
    </button>
  );
}
