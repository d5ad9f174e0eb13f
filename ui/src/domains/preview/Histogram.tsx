import type { Bin } from "~/api/generated";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Tooltip } from "~/shared/ui/Tooltip";

/** How the values of a column are spread over ranges of the same width. */
export function Histogram({ bins }: { bins: readonly Bin[] }) {
  const text = useText();
  const format = useFormat();
  const [first, last] = [bins[0], bins.at(-1)];
  if (!first || !last) return null;
  const most = Math.max(1, ...bins.map(({ count }) => count));
  return (
    <section className="flex flex-col gap-2">
      <h3 className="text-body font-medium">{text("preview.spread")}</h3>
      <ul aria-label={text("preview.spread")} className="m-0 flex h-16 list-none items-end gap-1 p-0">
        {bins.map((bin) => {
          const words = text("preview.bin", { from: bin.from, to: bin.to, count: bin.count, rows: format.exact(bin.count) });
          return (
            <li key={bin.from} className="flex h-full flex-1 items-end">
              <Tooltip text={words}>
                <span role="img" aria-label={words} className="flex h-full w-full items-end">
                  <span
                    className={`mark-ground w-full rounded-[1px] ${bin.count === 0 ? "bg-border-strong" : "bg-accent"}`}
                    // The smallest bar can still be seen.
                    style={{ height: bin.count === 0 ? "1px" : `max(2px, ${(bin.count / most) * 100}%)` }}
                  />
                </span>
              </Tooltip>
            </li>
          );
        })}
      </ul>
      <p aria-hidden className="num m-0 flex justify-between gap-4 text-caption text-ink-muted">
        <bdi className="truncate">{first.from}</bdi>
        <bdi className="truncate">{last.to}</bdi>
      </p>
    </section>
  );
}
