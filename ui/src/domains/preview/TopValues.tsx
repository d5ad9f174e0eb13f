import { useMemo } from "react";
import type { ColumnProfile, SampledPreview } from "~/api/generated";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { visible } from "~/shared/ui/Grid";
import { type Filtering, filterByValue, isOf, type RowFilter } from "./filter";
import { DOTS } from "./masking";

interface TopValuesProps {
  preview: SampledPreview;
  profile: ColumnProfile;
  /** Dots stand for the values. */
  hidden: boolean;
  /** Picks the rows of a bar; none when they cannot be told in the rows that are shown. */
  filtering: Filtering | null;
}

/** The most frequent values of a column. A bar picks its rows. */
export function TopValues({ preview, profile, hidden, filtering }: TopValuesProps) {
  const text = useText();
  const most = Math.max(1, ...profile.top.map(([, count]) => count));
  const filters = useMemo(
    () => profile.top.map(([value, count]) => (hidden ? null : filterByValue(preview, profile.column, value, count))),
    [preview, profile, hidden],
  );
  return (
    <section className="flex flex-col gap-2">
      <h3 className="text-body font-medium">{text("preview.top")}</h3>
      <ul className="m-0 flex list-none flex-col gap-1 p-0">
        {profile.top.map(([value, count], at) => (
          <li key={value} className="relative h-6">
            <span aria-hidden className="absolute inset-y-0 left-0 rounded-input bg-accent-soft" style={{ width: `${(count / most) * 100}%` }} />
            <Value words={hidden ? DOTS : visible(value)} count={count} filter={filters[at] ?? null} filtering={filtering} />
          </li>
        ))}
      </ul>
    </section>
  );
}

interface ValueProps {
  words: string;
  count: number;
  filter: RowFilter | null;
  filtering: Filtering | null;
}

function Value({ words, count, filter, filtering }: ValueProps) {
  const format = useFormat();
  const place = "relative flex h-full w-full items-center justify-between gap-2 px-2";
  const content = (
    <>
      <bdi className="truncate whitespace-pre">{words}</bdi>{" "}
      <span className="num text-ink-muted">{format.exact(count)}</span>
    </>
  );
  if (!filter || !filtering) return <span className={place}>{content}</span>;
  const pressed = isOf(filtering.filter, filter.column, filter.of);
  return (
    <button
      type="button"
      aria-pressed={pressed}
      onClick={() => filtering.onFilter(pressed ? null : filter)}
      className={`${place} rounded-input border-0 bg-transparent text-start hover:bg-accent-soft aria-pressed:text-accent`}
    >
      {content}
    </button>
  );
}
