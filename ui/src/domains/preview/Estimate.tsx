import type { Estimate as EstimateShape, EstimateBasis, Span, SyncEstimate } from "~/api/generated";
import { type Text, useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";

/** What syncs of a table will cost: the one that reads everything, and those after it. Every figure says from where it
 * is known; what is not known is said to be so. */
export function Estimate({ estimate }: { estimate: EstimateShape }) {
  const text = useText();
  const { full, later, next_is_full: nextIsFull, later_are_full: laterAreFull } = estimate;
  return (
    <div className="flex flex-col gap-6">
      <section className="flex flex-col gap-2">
        <h3 className="text-heading">{text(nextIsFull ? "estimate.first" : "estimate.full")}</h3>
        {full ? <Costs sync={full} /> : <p className="m-0 text-ink-muted">{text("estimate.unknown")}</p>}
      </section>
      <section className="flex flex-col gap-2">
        <h3 className="text-heading">{text("estimate.later")}</h3>
        {laterAreFull ? (
          <p className="m-0 text-ink-muted">{text("estimate.laterFull")}</p>
        ) : later ? (
          <Costs sync={later} />
        ) : (
          <p className="m-0 text-ink-muted">{text("estimate.laterUnknown")}</p>
        )}
      </section>
    </div>
  );
}

function Costs({ sync }: { sync: SyncEstimate }) {
  const text = useText();
  const format = useFormat();
  const span = ({ least, most }: Span, one: (value: number) => string) =>
    least === most ? one(most) : text("estimate.span", { least: one(least), most: one(most) });
  return (
    <dl className="m-0 flex flex-col gap-3">
      <Cost
        term={text("estimate.rows")}
        value={span(sync.rows, format.count)}
        exactly={sync.rows_basis.from === "whole_sample"}
        basis={basisText(text, format.exact, sync.rows_basis)}
      />
      {sync.seconds && sync.seconds_basis && (
        <Cost
          term={text("estimate.time")}
          value={span(sync.seconds, (seconds) => format.duration(seconds * 1000))}
          basis={basisText(text, format.exact, sync.seconds_basis)}
        />
      )}
      {sync.bytes_read !== null && (
        <Cost term={text("estimate.read")} value={format.bytes(sync.bytes_read)} basis={text("estimate.basis.statistics")} />
      )}
      {sync.bytes_written !== null && (
        <Cost term={text("estimate.written")} value={format.bytes(sync.bytes_written)} basis={text("estimate.basis.size")} />
      )}
    </dl>
  );
}

interface CostProps {
  term: string;
  value: string;
  basis: string;
  exactly?: boolean;
}

function Cost({ term, value, basis, exactly = false }: CostProps) {
  const text = useText();
  return (
    <div>
      <dt className="text-ink-muted">{term}</dt>
      <dd className="num m-0">{exactly ? value : text("estimate.about", { value })}</dd>
      <dd className="num m-0 text-caption text-ink-muted">{basis}</dd>
    </div>
  );
}

function basisText(text: Text, exact: (value: number) => string, basis: EstimateBasis): string {
  switch (basis.from) {
    case "trial":
      return text("estimate.basis.trial", { rows: exact(basis.rows), rate: exact(basis.per_second) });
    case "runs":
      return text("estimate.basis.runs", { count: basis.runs });
    case "statistics":
    case "whole_sample":
      return text(`estimate.basis.${basis.from}`);
  }
}
