import { useVirtualizer } from "@tanstack/react-virtual";
import clsx from "clsx";
import { ChevronDown, ChevronRight, CircleHelp, KeyRound, Table2 } from "lucide-react";
import { type KeyboardEvent, useMemo, useRef, useState } from "react";
import type { FoundTable } from "~/api/generated";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { PersonalChip } from "./TableDetail";
import type { Found, Selection, Treatment } from "./selection";

interface TableTreeProps {
  found: Found;
  query: string;
  selection: Selection;
  focused: string | null;
  onFocus: (table: string) => void;
  onToggle: (tables: readonly FoundTable[], on: boolean) => void;
  onTreat: (table: FoundTable, column: string, treatment: Treatment) => void;
}

type Line = { kind: "table"; table: FoundTable } | { kind: "column"; table: FoundTable; at: number };

const LINE_PX = 32;
// Where there is little room, name and mode stay; the panel beside the tree says the rest.
const grid =
  "grid grid-cols-[minmax(0,1fr)_112px] @xl:grid-cols-[minmax(168px,1fr)_128px_80px_112px_80px] items-center gap-3 px-4";
const roomy = "hidden @xl:block";

/** Tables and their columns. One tab stop: arrows move, right and left open and close, Space ticks. */
export function TableTree({ found, query, selection, focused, onFocus, onToggle, onTreat }: TableTreeProps) {
  const text = useText();
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [at, setAt] = useState(0);
  const scroller = useRef<HTMLDivElement>(null);

  const lines = useMemo(() => {
    const all: Line[] = [];
    for (const table of found.tables) {
      all.push({ kind: "table", table });
      const matched = found.columns.get(table.table);
      if (!open.has(table.table) && !matched) continue;
      for (const [index, column] of table.columns.entries()) {
        if (open.has(table.table) || matched?.has(column.name)) all.push({ kind: "column", table, at: index });
      }
    }
    return all;
  }, [found, open]);
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE_PX,
    overscan: 3,
  });

  const move = (to: number) => {
    const next = Math.max(0, Math.min(lines.length - 1, to));
    setAt(next);
    rows.scrollToIndex(next);
    const line = lines[next];
    if (line) onFocus(line.table.table);
  };
  const fold = (table: FoundTable, wide: boolean) => {
    const next = new Set(open);
    if (wide) next.add(table.table);
    else next.delete(table.table);
    setOpen(next);
  };
  const tick = (line: Line) => {
    const chosen = selection[line.table.table];
    if (line.table.unreadable !== null) return;
    if (line.kind === "table") return onToggle([line.table], chosen === undefined);
    const column = line.table.columns[line.at];
    if (column && chosen) onTreat(line.table, column.name, chosen.columns[column.name] === "exclude" ? "keep" : "exclude");
  };
  const onKey = (event: KeyboardEvent) => {
    const line = lines[at];
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? LINE_PX) / LINE_PX) - 1);
    const acts: Record<string, () => void> = {
      ArrowDown: () => move(at + 1),
      ArrowUp: () => move(at - 1),
      PageDown: () => move(at + page),
      PageUp: () => move(at - page),
      Home: () => move(0),
      End: () => move(lines.length - 1),
      ArrowRight: () => line?.kind === "table" && fold(line.table, true),
      ArrowLeft: () => {
        if (line?.kind === "table") fold(line.table, false);
        else if (line) move(lines.findIndex((each) => each.kind === "table" && each.table === line.table));
      },
      " ": () => line && tick(line),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };

  return (
    <div className="@container flex min-h-0 min-w-0 flex-1 flex-col">
      <div aria-hidden className={`${grid} h-8 shrink-0 border-b border-border text-caption font-medium text-ink-muted`}>
        <span className="ps-14">{text("tables.column.name")}</span>
        <span>{text("tables.column.mode")}</span>
        <span className={roomy}>{text("tables.column.key")}</span>
        <span className={roomy}>{text("tables.column.cursor")}</span>
        <span className={`${roomy} text-end`}>{text("tables.column.rows")}</span>
      </div>
      <div
        ref={scroller}
        role="treegrid"
        tabIndex={0}
        aria-label={text("tables.list")}
        aria-rowcount={lines.length}
        aria-multiselectable
        aria-activedescendant={rows.getVirtualItems().some(({ index }) => index === at) ? `tree-${at}` : undefined}
        onKeyDown={onKey}
        className="group min-h-0 flex-1 overflow-auto outline-none"
      >
        <div role="presentation" className="relative" style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map((item) => {
            const line = lines[item.index];
            if (!line) return null;
            return (
              <TreeLine
                key={item.key}
                id={`tree-${item.index}`}
                index={item.index}
                top={item.start}
                line={line}
                query={query}
                open={open.has(line.table.table)}
                selection={selection}
                active={item.index === at}
                current={line.kind === "table" && line.table.table === focused}
                onPick={() => move(item.index)}
                onTick={() => tick(line)}
                onFold={(wide) => fold(line.table, wide)}
              />
            );
          })}
        </div>
      </div>
    </div>
  );
}

interface TreeLineProps {
  id: string;
  index: number;
  top: number;
  line: Line;
  query: string;
  open: boolean;
  selection: Selection;
  active: boolean;
  current: boolean;
  onPick: () => void;
  onTick: () => void;
  onFold: (open: boolean) => void;
}

function TreeLine({ id, index, top, line, query, open, selection, active, current, onPick, onTick, onFold }: TreeLineProps) {
  const text = useText();
  const format = useFormat();
  const { table } = line;
  const chosen = selection[table.table];
  const { cursor } = chosen ?? table.suggested;
  const column = line.kind === "column" ? table.columns[line.at] : undefined;
  const treatment = column && chosen?.columns[column.name];
  const checked = column ? chosen !== undefined && treatment !== "exclude" : chosen !== undefined;
  const excluded = chosen !== undefined && Object.values(chosen.columns).includes("exclude");
  const Chevron = open ? ChevronDown : ChevronRight;
  const name = column?.name ?? table.table;
  return (
    // The tree itself hears the keys.
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      id={id}
      role="row"
      tabIndex={-1}
      aria-level={column ? 2 : 1}
      aria-rowindex={index + 1}
      aria-selected={checked}
      aria-expanded={column ? undefined : open}
      onClick={onPick}
      className={clsx(
        grid,
        "absolute end-0 start-0 hover:bg-sunken",
        current && "bg-accent-soft",
        table.unreadable !== null && "text-ink-subtle",
        active && "group-focus-visible:shadow-[inset_0_0_0_2px_var(--accent)]",
      )}
      style={{ top, height: LINE_PX }}
    >
      <span role="gridcell" className={clsx("flex min-w-0 items-center gap-2", column && "ps-12")}>
        {!column && (
          <button
            type="button"
            tabIndex={-1}
            aria-label={text("tables.expand", { table: table.table })}
            onClick={() => onFold(!open)}
            className="flex size-6 shrink-0 items-center justify-center border-0 bg-transparent p-0 text-ink-muted"
          >
            <Chevron size={16} strokeWidth={1.5} aria-hidden />
          </button>
        )}
        <input
          type="checkbox"
          tabIndex={-1}
          checked={checked}
          disabled={table.unreadable !== null || (column !== undefined && chosen === undefined)}
          ref={(element) => {
            if (element) element.indeterminate = !column && checked && excluded;
          }}
          onChange={onTick}
          aria-label={column ? text("tables.include", { column: name }) : text("tables.pick", { table: name })}
          className="m-0 size-4 shrink-0 accent-accent"
        />
        {!column && <Table2 size={16} strokeWidth={1.5} aria-hidden className="shrink-0 text-ink-subtle" />}
        <bdi className={clsx("truncate", !column && "font-medium")} title={name}>
          <Marked text={name} query={query} />
        </bdi>
        {column?.personal && <PersonalChip personal={column.personal} />}
        {!column && table.kind !== "table" && <span className="shrink-0 text-caption text-ink-subtle">{text(`tables.kind.${table.kind}`)}</span>}
      </span>
      {column ? (
        <>
          <span role="gridcell" className="truncate text-ink-muted">
            <bdi>{column.type}</bdi>
          </span>
          <span role="gridcell" className={roomy}>
            {table.key.includes(column.name) && <KeyRound size={16} strokeWidth={1.5} aria-label={text("tables.column.key")} className="text-ink-muted" />}
          </span>
          <span role="gridcell" className={`${roomy} text-ink-muted`}>
            {treatment === "hash" ? text("tables.hash") : treatment === "exclude" ? text("tables.leaveOut") : null}
          </span>
          <span aria-hidden className={roomy} />
        </>
      ) : table.unreadable !== null ? (
        <span role="gridcell" className="truncate @xl:col-span-4" title={table.unreadable}>
          {text("tables.unreadable", { reason: table.unreadable })}
        </span>
      ) : (
        <>
          <span role="gridcell" className="truncate text-ink-muted">
            {text(`plan.mode.${(chosen ?? table.suggested).mode}`)}
          </span>
          <span role="gridcell" className={`${roomy} truncate text-ink-muted`}>
            {table.key.length > 0 ? (
              <span title={text("tables.declared")}>
                <KeyRound size={12} strokeWidth={1.5} aria-label={text("tables.declared")} className="mr-1 inline" />
                <bdi>{table.key.join(", ")}</bdi>
              </span>
            ) : (
              text("common.none")
            )}
          </span>
          <span role="gridcell" className={`${roomy} truncate text-ink-muted`}>
            {cursor === null ? (
              "–"
            ) : (
              <span title={text("tables.guessed")}>
                <CircleHelp size={12} strokeWidth={1.5} aria-label={text("tables.guessed")} className="mr-1 inline" />
                <bdi>{cursor}</bdi>
              </span>
            )}
          </span>
          <span role="gridcell" className={`${roomy} num text-end text-ink-muted`}>
            {table.rows_estimate === null ? "–" : format.count(table.rows_estimate)}
          </span>
        </>
      )}
    </div>
  );
}

function Marked({ text, query }: { text: string; query: string }) {
  const word = query.trim().split(/\s+/)[0] ?? "";
  const at = word === "" ? -1 : text.toLowerCase().indexOf(word.toLowerCase());
  if (at < 0) return text;
  return (
    <>
      {text.slice(0, at)}
      <mark className="bg-warn-soft text-current">{text.slice(at, at + word.length)}</mark>
      {text.slice(at + word.length)}
    </>
  );
}
