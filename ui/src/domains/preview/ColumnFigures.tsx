import { type ReactNode, useMemo } from "react";
import type { SampledPreview } from "~/api/generated";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { visible } from "~/shared/ui/Grid";
import { type Filtering, filtersByBin } from "./filter";
import { Histogram } from "./Histogram";
import { DOTS } from "./masking";
import { TopValues } from "./TopValues";
import { type ProfileStore, useProfile } from "./profiles";

interface ColumnFiguresProps {
  preview: SampledPreview;
  store: ProfileStore;
  /** The column under the cursor. */
  column: number | null;
  /** Whether dots stand for its values. */
  hidden: boolean;
  /** Picks the rows of a bar; none when they cannot be told in the rows that are shown. */
  filtering: Filtering | null;
}

/** What one column of a sample holds, in figures. Those that are not there yet, or never will be, are said to be so. */
export function ColumnFigures({ preview, store, column: at, hidden, filtering }: ColumnFiguresProps) {
  const text = useText();
  const format = useFormat();
  const profile = useProfile(store, at);
  const filters = useMemo(
    () => (profile && profile.histogram.length > 0 && !hidden ? filtersByBin(preview, profile.column, profile.histogram) : null),
    [preview, profile, hidden],
  );
  const column = at === null ? undefined : preview.columns[at];
  if (!column) return <p className="m-0 text-ink-muted">{text("preview.pickColumn")}</p>;
  const sampled = preview.rows_sampled;
  const share = sampled > 0 ? ` (${format.percent(column.nulls / sampled, 1)})` : "";
  const shown = (value: string) => (hidden ? DOTS : visible(value));
  return (
    <div className="flex flex-col gap-4">
      <h2 className="text-heading break-words">
        <bdi>{column.target}</bdi>
      </h2>
      <dl className="m-0 grid grid-cols-[112px_1fr] gap-x-3 gap-y-2">
        <Fact term={text("preview.source")}>
          <bdi>{column.source}</bdi> <span className="text-ink-muted">{column.source_type}</span>
        </Fact>
        <Fact term={text("preview.landed")}>
          <bdi>{column.target}</bdi> <span className="text-ink-muted">{column.landed_type}</span>
          {column.hash && <span className="block">{text("preview.hashed")}</span>}
          {column.note && <span className="block">{column.note}</span>}
        </Fact>
        <Fact term={text("preview.nulls")}>{`${format.exact(column.nulls)}${share}`}</Fact>
        {profile && profile.skipped === null && (
          <>
            <Fact term={text("preview.distinct")}>{format.exact(profile.distinct)}</Fact>
            {profile.min !== null && <Fact term={text("preview.min")}>{shown(profile.min)}</Fact>}
            {profile.max !== null && <Fact term={text("preview.max")}>{shown(profile.max)}</Fact>}
          </>
        )}
      </dl>
      {!profile && <p className="m-0 text-ink-muted">{text("profile.notYet")}</p>}
      {profile?.skipped && <p className="m-0 text-ink-muted">{text("profile.notCounted", { why: text(`profile.skipped.${profile.skipped}`) })}</p>}
      {profile && profile.histogram.length > 0 && (
        // Where somebody is among the bars of one column says nothing in those of another.
        <Histogram key={profile.column} bins={profile.histogram} hidden={hidden} filters={filters} filtering={filtering} />
      )}
      {profile && profile.top.length > 0 && <TopValues preview={preview} profile={profile} hidden={hidden} filtering={filtering} />}
      {profile && profile.skipped === null && (
        <p className="m-0 text-ink-subtle">{text("preview.exactInSample", { rows: format.exact(sampled) })}</p>
      )}
    </div>
  );
}

function Fact({ term, children }: { term: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-ink-muted">{term}</dt>
      <dd className="num m-0 min-w-0 break-words">{children}</dd>
    </>
  );
}
