import clsx from "clsx";
import { ChevronDown, ChevronRight } from "lucide-react";
import { useId, useState } from "react";
import type { DefinitionLine, DefinitionSign, TableEffect } from "~/api/generated";
import { targetText } from "~/domains/plan/summary";
import { usePlatform } from "~/platform";
import { type MessageId, useText } from "~/shared/text";
import { Button } from "~/shared/ui/Button";
import { Code } from "~/shared/ui/Code";
import { toast } from "~/shared/ui/toast";

const signs: Record<DefinitionSign, { sign: string; ground: string; word: MessageId }> = {
  add: { sign: "+", ground: "bg-ok-soft", word: "definition.add" },
  change: { sign: "~", ground: "bg-warn-soft", word: "definition.change" },
  remove: { sign: "–", ground: "bg-bad-soft", word: "definition.remove" },
  same: { sign: " ", ground: "", word: "definition.same" },
};

/** The shape of a table in the destination, compared with what is there now, and the statements that make it so. */
export function Definition({ effect }: { effect: TableEffect | null }) {
  const text = useText();
  const platform = usePlatform();
  if (!effect || effect.definition.length === 0) return <p className="m-0 text-ink-muted">{text("definition.unknown")}</p>;
  const statements = effect.ddl.length > 0 ? `${effect.ddl.join(";\n")};` : "";
  const copied = () => toast({ title: text("common.copied") });
  return (
    <div className="flex flex-col gap-3">
      <Differences target={targetText(effect)} lines={effect.definition} />
      <div className="flex flex-wrap gap-2">
        <Button size="small" onClick={() => void platform.copy(asText(targetText(effect), effect.definition)).then(copied)}>
          {text("definition.copy")}
        </Button>
        {statements !== "" && (
          <Button size="small" onClick={() => void platform.copy(statements).then(copied)}>
            {text("preview.copy")}
          </Button>
        )}
      </div>
      {statements === "" ? <p className="m-0 text-ink-muted">{text("preview.noDdl")}</p> : <Code>{statements}</Code>}
    </div>
  );
}

/** The columns that differ, each with its sign; those that stay are folded. */
export function Differences({ target, lines }: { target: string; lines: readonly DefinitionLine[] }) {
  const text = useText();
  const id = useId();
  const [open, setOpen] = useState(false);
  const differing = lines.filter(({ sign }) => sign !== "same");
  const same = lines.filter(({ sign }) => sign === "same");
  const count = (wanted: DefinitionSign) => lines.filter(({ sign }) => sign === wanted).length;
  const counts = (["add", "change", "remove"] as const)
    .filter((sign) => count(sign) > 0)
    .map((sign) => `${signs[sign].sign} ${text("definition.count", { count: count(sign), what: text(signs[sign].word) })}`);
  const Chevron = open ? ChevronDown : ChevronRight;
  return (
    <section aria-label={text("definition.title", { target })} className="flex flex-col gap-2">
      <h3 className="text-body font-medium break-words">
        <bdi>{target}</bdi>
      </h3>
      <p className="num m-0 text-ink-muted">
        {counts.length === 0 ? text("definition.none", { count: same.length }) : counts.join(" · ")}
      </p>
      {differing.length > 0 && <Lines lines={differing} />}
      {same.length > 0 && differing.length > 0 && (
        <Button size="small" look="quiet" className="self-start" aria-expanded={open} aria-controls={id} icon={Chevron} onClick={() => setOpen(!open)}>
          {text("definition.unchanged", { count: same.length })}
        </Button>
      )}
      <div id={id} hidden={!open && differing.length > 0}>
        <Lines lines={same} />
      </div>
    </section>
  );
}

/** Columns, each with its sign. */
export function Lines({ lines }: { lines: readonly DefinitionLine[] }) {
  const text = useText();
  return (
    <ul className="m-0 list-none p-0 font-mono text-code">
      {lines.map(({ sign, text: column, before }) => (
        <li key={column} className={clsx("flex gap-2 px-2 py-1", signs[sign].ground)}>
          <span aria-hidden className="w-3 shrink-0 text-center font-semibold whitespace-pre">
            {signs[sign].sign}
          </span>
          <span className="sr-only">{text(signs[sign].word)}</span>
          <span className="min-w-0 break-words">
            {before !== null && (
              <>
                <del className="text-ink-muted">{before}</del>
                {" → "}
              </>
            )}
            {column}
          </span>
        </li>
      ))}
    </ul>
  );
}

/** The comparison as text, with its signs. */
export function asText(target: string, lines: readonly DefinitionLine[]): string {
  const line = ({ sign, text, before }: DefinitionLine) => `${signs[sign].sign} ${before === null ? "" : `${before} → `}${text}`;
  return `${[target, ...lines.map(line)].join("\n")}\n`;
}
