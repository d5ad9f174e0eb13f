import type { ReactNode } from "react";
import type { SampledPreview } from "~/api/generated";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { visible } from "~/shared/ui/Grid";
import { Histogram } from "./Histogram";
import { type ProfileStore, useProfile } from "./profiles";

interface ColumnFiguresProps {
  preview: SampledPreview;
  store: ProfileStore;
  /** The column under the cursor. */
  column: number | null;
}

/** What one column of a sample holds, in figures. Those that are not there yet, or never will be, are said to be so. */
export function ColumnFigures({ preview, store, column: at }: ColumnFiguresProps) {
  const text = useText();
  const format = useFormat();
  const profile = useProfile(store, at);
  const column = at === null ? undefined : preview.columns[at];
  if (!column) return <p className="m-0 text-ink-muted">{text("preview.pickColumn")}</p>;
  const sampled = preview.rows_sampled;
  const share = sampled > 0 ? ` (${format.percent(column.nulls / sampled, 1)})` : "";
  const most = Math.max(1, ...(profile?.top.map(([, count]) => count) ?? []));
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
            {profile.min !== null && <Fact term={text("preview.min")}>{visible(profile.min)}</Fact>}
            {profile.max !== null && <Fact term={text("preview.max")}>{visible(profile.max)}</Fact>}
          </>
        )}
      </dl>
      {!profile && <p className="m-0 text-ink-muted">{text("profile.notYet")}</p>}
      {profile?.skipped && <p className="m-0 text-ink-muted">{text("profile.notCounted", { why: text(`profile.skipped.${profile.skipped}`) })}</p>}
      {profile && profile.histogram.length > 0 && <Histogram bins={profile.histogram} />}
      {profile && profile.top.length > 0 && (
        <section className="flex flex-col gap-2">
          <h3 className="text-body font-medium">{text("preview.top")}</h3>
          <ul className="m-0 flex list-none flex-col gap-1 p-0">
            {profile.top.map(([value, count]) => (
              <li key={value} className="relative flex h-6 items-center justify-between gap-2 px-2">
                <span aria-hidden className="absolute inset-y-0 left-0 rounded-input bg-accent-soft" style={{ width: `${(count / most) * 100}%` }} />
                <bdi className="relative truncate whitespace-pre">{visible(value)}</bdi>
                <span className="num relative text-ink-muted">{format.exact(count)}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
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
