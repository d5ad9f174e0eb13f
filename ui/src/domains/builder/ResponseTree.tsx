import clsx from "clsx";
import { ChevronDown, ChevronRight, ClockArrowUp, KeyRound } from "lucide-react";
import { type KeyboardEvent, useMemo, useRef, useState } from "react";
import { useText } from "~/shared/text";
import { Button } from "~/shared/ui/Button";
import type { Json, Path } from "./json";
import { keyOf, type Line, linesOf, openAtFirst, picksOf } from "./tree";

interface ResponseTreeProps {
  value: Json;
  rows: Path | null;
  keyFields: readonly string[];
  timeField: string | null;
  onRows: (path: string[]) => void;
  onKey: (field: string) => void;
  onTime: (field: string) => void;
  onNext: (path: string[], link: boolean) => void;
}

/** A response whose parts can be chosen and given a meaning. Arrows move and open, as in every tree. */
export function ResponseTree(props: ResponseTreeProps) {
  const { value, rows, keyFields, timeField } = props;
  const text = useText();
  const [open, setOpen] = useState(() => openAtFirst(value, rows));
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const box = useRef<HTMLDivElement>(null);
  const lines = useMemo(() => linesOf(value, open), [value, open]);
  const place = Math.max(0, lines.findIndex(({ path }) => keyOf(path) === keyOf(chosen)));
  const toggle = (path: Path, wanted?: boolean) => {
    const next = new Set(open);
    const key = keyOf(path);
    if (wanted ?? !next.has(key)) next.add(key);
    else next.delete(key);
    setOpen(next);
  };
  const go = (index: number) => {
    const line = lines[Math.max(0, Math.min(lines.length - 1, index))];
    if (!line) return;
    setChosen(line.path);
    box.current?.querySelector<HTMLElement>(`[data-line="${CSS.escape(keyOf(line.path))}"]`)?.scrollIntoView({ block: "nearest" });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const line = lines[place];
    if (!line || event.ctrlKey || event.metaKey) return;
    const acts: Record<string, () => void> = {
      ArrowDown: () => go(place + 1),
      ArrowUp: () => go(place - 1),
      Home: () => go(0),
      End: () => go(lines.length - 1),
      ArrowRight: () => ((line.kind === "list" || line.kind === "object") && !line.open ? toggle(line.path, true) : go(place + 1)),
      ArrowLeft: () => (line.open ? toggle(line.path, false) : setChosen(line.path.slice(0, -1))),
      Enter: () => toggle(line.path),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };
  const isOfRows = (path: Path) => rows !== null && path.length === rows.length + 2 && keyOf(path.slice(0, rows.length)) === keyOf(rows);
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div
        ref={box}
        role="tree"
        aria-label={text("builder.tree")}
        tabIndex={0}
        aria-activedescendant={lineId(lines[place])}
        onKeyDown={onKeyDown}
        className="group min-h-0 flex-1 overflow-auto py-2 font-mono text-code outline-offset-[-2px]"
      >
        {lines.map((line) => {
          const name = line.path.at(-1) ?? "";
          return (
            <TreeLine
              key={keyOf(line.path)}
              line={line}
              chosen={keyOf(line.path) === keyOf(chosen)}
              isRows={rows !== null && keyOf(rows) === keyOf(line.path)}
              isKey={isOfRows(line.path) && keyFields.includes(name)}
              isTime={isOfRows(line.path) && timeField === name}
              onChoose={() => {
                setChosen(line.path);
                if (line.kind !== "value" && line.kind !== "more") toggle(line.path);
              }}
            />
          );
        })}
      </div>
      <PickBar {...props} chosen={chosen} />
    </div>
  );
}

function lineId(line: Line | undefined): string | undefined {
  return line && `line-${line.path.join("-").replaceAll(/[^\w-]/g, "_")}`;
}

interface TreeLineProps {
  line: Line;
  chosen: boolean;
  isRows: boolean;
  isKey: boolean;
  isTime: boolean;
  onChoose: () => void;
}

function TreeLine({ line, chosen, isRows, isKey, isTime, onChoose }: TreeLineProps) {
  const text = useText();
  const Icon = line.open ? ChevronDown : ChevronRight;
  const opens = line.kind === "list" || line.kind === "object";
  return (
    // Keys reach the tree itself, which moves the chosen line.
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      id={lineId(line)}
      role="treeitem"
      tabIndex={-1}
      data-line={keyOf(line.path)}
      aria-level={line.depth + 1}
      aria-selected={chosen}
      aria-expanded={opens ? line.open : undefined}
      onClick={onChoose}
      className={clsx("flex min-h-6 cursor-default items-center gap-1 pr-3", chosen ? "bg-accent-soft" : "hover:bg-sunken", isRows && !chosen && "bg-ok-soft")}
      style={{ paddingInlineStart: 8 + line.depth * 14 }}
    >
      {opens ? <Icon size={12} strokeWidth={2} aria-hidden className="shrink-0 text-ink-muted" /> : <span className="w-3 shrink-0" />}
      {line.name !== "" && <bdi className="shrink-0 text-ink-muted">{line.name}:</bdi>}
      {line.size !== null && <span className="text-ink-muted">{line.kind === "list" ? `[${line.size}]` : `{${line.size}}`}</span>}
      {line.kind === "more" ? <span className="text-ink-muted">{text("builder.treeMore", { count: line.more })}</span> : <bdi className="truncate">{line.shown}</bdi>}
      {isRows && <Mark word={text("builder.tab.rows")} />}
      {isKey && <Mark icon={KeyRound} word={text("builder.landsKey")} />}
      {isTime && <Mark icon={ClockArrowUp} word={text("builder.landsTime")} />}
    </div>
  );
}

function Mark({ icon: Icon, word }: { icon?: typeof KeyRound; word: string }) {
  return (
    <span className="ml-auto inline-flex shrink-0 items-center gap-1 rounded-input bg-surface px-1 font-sans text-caption font-medium text-ok">
      {Icon && <Icon size={12} strokeWidth={1.75} aria-hidden />}
      {word}
    </span>
  );
}

/** What the chosen part can be. */
function PickBar({ value, rows, chosen, onRows, onKey, onTime, onNext }: ResponseTreeProps & { chosen: readonly string[] }) {
  const text = useText();
  const picks = picksOf(value, chosen, rows);
  const { field, next, rows: place } = picks;
  return (
    <div className="flex min-h-11 flex-wrap items-center gap-2 border-t border-border px-3 py-2">
      <span role="status" className="min-w-0 flex-1 truncate text-ink-muted">
        {chosen.length === 0 && !place ? text("builder.treeHelp") : text("builder.chosen", { path: chosen.join(".") || text("builder.rowsWhole") })}
      </span>
      {place && (
        <Button size="small" onClick={() => onRows(place)}>
          {text("builder.pick.rows")}
        </Button>
      )}
      {field !== null && (
        <>
          <Button size="small" icon={KeyRound} onClick={() => onKey(field)}>
            {text("builder.pick.key")}
          </Button>
          <Button size="small" icon={ClockArrowUp} onClick={() => onTime(field)}>
            {text("builder.pick.time")}
          </Button>
        </>
      )}
      {next && (
        <Button size="small" onClick={() => onNext(next.path, next.link)}>
          {text(next.link ? "builder.pick.link" : "builder.pick.cursor")}
        </Button>
      )}
    </div>
  );
}
