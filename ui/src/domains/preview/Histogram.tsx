import { type KeyboardEvent, useState } from "react";
import type { Bin } from "~/api/generated";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Tooltip } from "~/shared/ui/Tooltip";
import { type Filtering, isOf, type RowFilter } from "./filter";
import { DOTS } from "./masking";

interface HistogramProps {
  bins: readonly Bin[];
  /** Dots stand for the ends of the ranges. */
  hidden?: boolean;
  /** The rows of each range; none when they cannot be told. */
  filters?: readonly RowFilter[] | null;
  filtering?: Filtering | null;
}

/** How the values of a column are spread over ranges of the same width. A bar picks its rows. */
export function Histogram({ bins, hidden = false, filters = null, filtering = null }: HistogramProps) {
  const text = useText();
  const format = useFormat();
  // One stop of Tab for all bars, which are too narrow to be aimed at one by one: arrows go from one to the next.
  const full = bins.flatMap(({ count }, at) => (count > 0 ? [at] : []));
  const [stop, setStop] = useState(full[0] ?? 0);
  const [first, last] = [bins[0], bins.at(-1)];
  if (!first || !last) return null;
  const most = Math.max(1, ...bins.map(({ count }) => count));
  const picked = filters?.some((filter) => filtering && isOf(filtering.filter, filter.column, filter.of)) ?? false;
  const endOf = (end: string) => (hidden ? DOTS : end);
  const onKey = (event: KeyboardEvent<HTMLButtonElement>) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const next = step === 0 ? undefined : full[full.indexOf(stop) + step];
    if (next === undefined) return;
    event.preventDefault();
    setStop(next);
    event.currentTarget.closest("ul")?.children[next]?.querySelector("button")?.focus();
  };
  return (
    <section className="flex flex-col gap-2">
      <h3 className="text-body font-medium">{text("preview.spread")}</h3>
      {/* Numbers grow to the right, whatever the language around them. */}
      <ul dir="ltr" aria-label={text("preview.spread")} className="m-0 flex h-16 list-none items-end gap-1 p-0">
        {bins.map((bin, at) => {
          const words = text("preview.bin", { from: endOf(bin.from), to: endOf(bin.to), count: bin.count, rows: format.exact(bin.count) });
          const filter = filters?.[at];
          const pressed = filtering !== null && filter !== undefined && isOf(filtering.filter, filter.column, filter.of);
          return (
            <li key={bin.from} className="flex h-full flex-1 items-end">
              <Tooltip text={words}>
                {filtering && filter && bin.count > 0 ? (
                  <button
                    type="button"
                    aria-label={words}
                    aria-pressed={pressed}
                    tabIndex={at === stop ? 0 : -1}
                    onFocus={() => setStop(at)}
                    onKeyDown={onKey}
                    onClick={() => filtering.onFilter(pressed ? null : filter)}
                    className="flex h-full w-full items-end border-0 bg-transparent p-0 hover:bg-sunken"
                  >
                    <Bar count={bin.count} most={most} faint={picked && !pressed} />
                  </button>
                ) : (
                  <span role="img" aria-label={words} className="flex h-full w-full items-end">
                    <Bar count={bin.count} most={most} />
                  </span>
                )}
              </Tooltip>
            </li>
          );
        })}
      </ul>
      <p aria-hidden dir="ltr" className="num m-0 flex justify-between gap-4 text-caption text-ink-muted">
        <bdi className="truncate">{endOf(first.from)}</bdi>
        <bdi className="truncate">{endOf(last.to)}</bdi>
      </p>
    </section>
  );
}

/** `faint`: its rows are not those that are picked. */
function Bar({ count, most, faint = false }: { count: number; most: number; faint?: boolean }) {
  return (
    <span
      className={`mark-ground w-full rounded-[1px] ${count === 0 ? "bg-border-strong" : "bg-accent"} ${faint ? "opacity-50" : ""}`}
      // The smallest bar can still be seen.
      style={{ height: count === 0 ? "1px" : `max(2px, ${(count / most) * 100}%)` }}
    />
  );
}
