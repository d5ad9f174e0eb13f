import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useRef, useState } from "react";
import { useText } from "~/shared/text";
import { Problem } from "~/shared/ui/Problem";
import { ConnectionRow, DraftRow, roomy, template } from "./ConnectionRow";
import { type Line, nameOf } from "./model";
import { usePause } from "./pause";
import { RemoveDialog } from "./RemoveDialog";
import { RemoveDraftDialog } from "./RemoveDraftDialog";

const ROW_PX = 52;

/** Connections and drafts as one list; only what is visible is in the page. */
export function ConnectionList({ lines }: { lines: readonly Line[] }) {
  const text = useText();
  const scroller = useRef<HTMLDivElement>(null);
  const [removing, setRemoving] = useState<Line | null>(null);
  const pause = usePause();
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    getItemKey: (at) => {
      const line = lines[at];
      return line ? `${line.kind}:${nameOf(line)}` : at;
    },
    overscan: 8,
  });
  // Arrow keys go from row to row; Tab still reaches everything inside.
  const onKey = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined || !(event.target instanceof HTMLElement)) return;
    const links = [...(scroller.current?.querySelectorAll<HTMLElement>("[data-row-link]") ?? [])];
    const at = links.indexOf(event.target);
    if (at < 0) return;
    event.preventDefault();
    links[at + step]?.focus();
  };
  return (
    <>
      {pause.error !== null && <Problem error={pause.error} className="mx-6 mb-3" />}
      <div role="table" aria-label={text("connections.title")} aria-rowcount={lines.length + 1} className="@container flex min-h-0 flex-1 flex-col">
        <Head />
        {/* Arrow keys are an addition: links and buttons in the rows are reached by Tab as well. */}
        {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
        <div ref={scroller} role="rowgroup" onKeyDown={onKey} className="min-h-0 flex-1 overflow-auto">
          <div role="presentation" className="relative" style={{ height: rows.getTotalSize() }}>
            {rows.getVirtualItems().map((item) => {
              const line = lines[item.index];
              if (!line) return null;
              return (
                <div
                  key={item.key}
                  role="row"
                  aria-rowindex={item.index + 2}
                  data-index={item.index}
                  ref={rows.measureElement}
                  className="absolute end-0 start-0 border-b border-border hover:bg-sunken"
                  style={{ top: item.start }}
                >
                  {line.kind === "draft" ? (
                    <DraftRow draft={line.draft} onRemove={() => setRemoving(line)} />
                  ) : (
                    <ConnectionRow
                      connection={line.connection}
                      onPause={(paused) => void pause.set(line.connection.name, paused)}
                      onRemove={() => setRemoving(line)}
                    />
                  )}
                </div>
              );
            })}
          </div>
        </div>
      </div>
      <RemoveDialog name={removing?.kind === "connection" ? nameOf(removing) : null} onClose={() => setRemoving(null)} />
      <RemoveDraftDialog name={removing?.kind === "draft" ? nameOf(removing) : null} onClose={() => setRemoving(null)} />
    </>
  );
}

function Head() {
  const text = useText();
  return (
    <div role="row" aria-rowindex={1} className={`${template} h-8 shrink-0 border-b border-border text-caption font-medium text-ink-muted`}>
      <span role="columnheader">{text("connections.column.state")}</span>
      <span role="columnheader">{text("connections.column.name")}</span>
      <span role="columnheader">{text("connections.column.route")}</span>
      <span role="columnheader">{text("connections.column.fresh")}</span>
      <span role="columnheader" className={roomy}>
        {text("connections.column.recent")}
      </span>
      <span role="columnheader" className="sr-only">
        {text("connections.column.actions")}
      </span>
    </div>
  );
}
