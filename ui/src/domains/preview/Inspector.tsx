import { CircleCheck, Info, OctagonX, TriangleAlert } from "lucide-react";
import { useSyncExternalStore } from "react";
import type { Finding, SampledPreview } from "~/api/generated";
import { useText } from "~/shared/text";
import { Segments } from "~/shared/ui/layout";
import { Words } from "~/shared/ui/Words";
import { ColumnFigures } from "./ColumnFigures";
import { Definition } from "./Definition";
import { Estimate } from "./Estimate";
import type { Filtering } from "./filter";
import { noVeil, type Veil } from "./masking";
import type { ProfileStore } from "./profiles";
import { RejectedRows } from "./RejectedRows";

export type InspectorPart = "findings" | "column" | "definition" | "estimate";

interface InspectorProps {
  preview: SampledPreview;
  store: ProfileStore;
  /** The column under the cursor. */
  column: number | null;
  /** The columns of which the sample has dots instead of values. */
  veil?: Veil;
  /** Picks the rows of a bar; none when they cannot be told in the rows that are shown. */
  filtering?: Filtering | null;
  part: InspectorPart;
  onPart: (part: InspectorPart) => void;
}

/** Beside a sample: findings first, then the column under the cursor, the definition and the estimate. */
export function Inspector({ preview, store, column, veil = noVeil, filtering = null, part, onPart }: InspectorProps) {
  const text = useText();
  return (
    <aside aria-label={text("preview.inspector")} className="flex w-[344px] shrink-0 flex-col border-l border-border">
      <div className="flex min-h-11 shrink-0 items-center border-b border-border px-2 py-2">
        <Segments
          label={text("preview.inspector")}
          value={part}
          onValue={onPart}
          options={[
            { value: "findings", label: text("preview.findings"), ...(preview.findings.length > 0 && { count: preview.findings.length }) },
            { value: "column", label: text("preview.column") },
            { value: "definition", label: text("preview.definition") },
            { value: "estimate", label: text("preview.estimate") },
          ]}
        />
      </div>
      <div className="min-h-0 flex-1 overflow-auto p-4">
        {part === "findings" && (
          <div className="flex flex-col gap-4">
            {(preview.findings.length > 0 || preview.rejected.length === 0) && <Findings findings={preview.findings} />}
            <NotCounted preview={preview} store={store} />
            <RejectedRows rejected={preview.rejected} sampled={preview.rows_sampled} />
          </div>
        )}
        {part === "column" && (
          <ColumnFigures preview={preview} store={store} column={column} hidden={column !== null && veil.landed.has(column)} filtering={filtering} />
        )}
        {part === "definition" && <Definition effect={preview.effect} />}
        {part === "estimate" && <Estimate estimate={preview.estimate} />}
      </div>
    </aside>
  );
}

const weights = [
  { icon: Info, ink: "text-accent" },
  { icon: TriangleAlert, ink: "text-warn" },
  { icon: OctagonX, ink: "text-bad" },
] as const;

function Findings({ findings }: { findings: readonly Finding[] }) {
  const text = useText();
  if (findings.length === 0) {
    return (
      <p className="m-0 flex items-start gap-2 text-ink-muted">
        <CircleCheck size={16} strokeWidth={1.5} aria-hidden className="h-5 shrink-0 text-ok" />
        {text("preview.noFindings")}
      </p>
    );
  }
  return (
    <ul className="m-0 flex list-none flex-col gap-3 p-0">
      {findings.map((finding, at) => {
        const { icon: Icon, ink } = weights[Math.min(Math.max(finding.weight, 1), 3) - 1] ?? weights[0];
        return (
          // Those about masked values may say the same.
          // oxlint-disable-next-line react/no-array-index-key
          <li key={`${at} ${finding.text}`} className="flex items-start gap-2">
            <Icon size={16} strokeWidth={1.5} aria-hidden className={`h-5 shrink-0 ${ink}`} />
            <span className="min-w-0 break-words"><Words>{finding.text}</Words></span>
          </li>
        );
      })}
    </ul>
  );
}

/** The columns that have no figures, by name: not counting them is not the same as finding nothing. */
function NotCounted({ preview, store }: Pick<InspectorProps, "preview" | "store">) {
  const text = useText();
  useSyncExternalStore(store.subscribe, store.version);
  const names = store.all().flatMap(({ column, skipped }) => {
    const name = preview.columns[column]?.target;
    return skipped === null || name === undefined ? [] : [`\`${name}\` (${text(`profile.skipped.${skipped}`)})`];
  });
  if (names.length === 0) return null;
  return (
    <p className="m-0 flex items-start gap-2 text-ink-muted">
      <Info size={16} strokeWidth={1.5} aria-hidden className="mt-0.5 shrink-0" />
      <span className="min-w-0 break-words">
        <Words>{text("profile.skipped", { names: names.join(", ") })}</Words>
      </span>
    </p>
  );
}
