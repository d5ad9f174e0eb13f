import { CircleCheck, Info, OctagonX, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import type { ColumnPreview, Finding, Preview } from "~/api/generated";
import { usePlatform } from "~/platform";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Button } from "~/shared/ui/Button";
import { Code } from "~/shared/ui/Code";
import { Segments } from "~/shared/ui/layout";
import { Words } from "~/shared/ui/Words";
import { toast } from "~/shared/ui/toast";
import { Histogram } from "./Histogram";
import { RejectedRows } from "./RejectedRows";

export type InspectorPart = "findings" | "column" | "definition" | "estimate";

interface InspectorProps {
  preview: Preview;
  /** The column under the cursor. */
  column: number | null;
  part: InspectorPart;
  onPart: (part: InspectorPart) => void;
}

/** Beside a sample: findings first, then the column under the cursor, the definition and the estimate. */
export function Inspector({ preview, column, part, onPart }: InspectorProps) {
  const text = useText();
  return (
    <aside aria-label={text("preview.inspector")} className="flex w-[344px] shrink-0 flex-col border-l border-border">
      <div className="flex h-11 shrink-0 items-center border-b border-border px-2">
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
            <RejectedRows rejected={preview.rejected} sampled={preview.rows_sampled} />
          </div>
        )}
        {part === "column" && <Profile column={column === null ? undefined : preview.columns[column]} sampled={preview.rows_sampled} />}
        {part === "definition" && <Definition preview={preview} />}
        {part === "estimate" && <Estimate preview={preview} />}
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
      {findings.map((finding) => {
        const { icon: Icon, ink } = weights[Math.min(Math.max(finding.weight, 1), 3) - 1] ?? weights[0];
        return (
          <li key={finding.text} className="flex items-start gap-2">
            <Icon size={16} strokeWidth={1.5} aria-hidden className={`h-5 shrink-0 ${ink}`} />
            <span className="min-w-0 break-words"><Words>{finding.text}</Words></span>
          </li>
        );
      })}
    </ul>
  );
}

function Profile({ column, sampled }: { column: ColumnPreview | undefined; sampled: number }) {
  const text = useText();
  const format = useFormat();
  if (!column) return <p className="m-0 text-ink-muted">{text("preview.pickColumn")}</p>;
  const share = sampled > 0 ? ` (${format.percent(column.nulls / sampled, 1)})` : "";
  const most = Math.max(1, ...column.top.map(([, count]) => count));
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
        <Fact term={text("preview.distinct")}>{format.exact(column.distinct)}</Fact>
        {column.min !== null && <Fact term={text("preview.min")}>{column.min}</Fact>}
        {column.max !== null && <Fact term={text("preview.max")}>{column.max}</Fact>}
      </dl>
      {column.histogram.length > 0 && <Histogram bins={column.histogram} />}
      {column.top.length > 0 && (
        <section className="flex flex-col gap-2">
          <h3 className="text-body font-medium">{text("preview.top")}</h3>
          <ul className="m-0 flex list-none flex-col gap-1 p-0">
            {column.top.map(([value, count]) => (
              <li key={value} className="relative flex h-6 items-center justify-between gap-2 px-2">
                <span aria-hidden className="absolute inset-y-0 left-0 rounded-input bg-accent-soft" style={{ width: `${(count / most) * 100}%` }} />
                <bdi className="relative truncate">{value}</bdi>
                <span className="num relative text-ink-muted">{format.exact(count)}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
      <p className="m-0 text-ink-subtle">{text("preview.exactInSample", { rows: format.exact(sampled) })}</p>
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

function Definition({ preview }: { preview: Preview }) {
  const text = useText();
  const platform = usePlatform();
  const ddl = preview.effect?.ddl ?? [];
  if (ddl.length === 0) return <p className="m-0 text-ink-muted">{text("preview.noDdl")}</p>;
  const statements = `${ddl.join(";\n")};`;
  return (
    <div className="flex flex-col items-start gap-3">
      <Code>{statements}</Code>
      <Button size="small" onClick={() => void platform.copy(statements).then(() => toast({ title: text("common.copied") }))}>
        {text("preview.copy")}
      </Button>
    </div>
  );
}

function Estimate({ preview }: { preview: Preview }) {
  const text = useText();
  const format = useFormat();
  const effect = preview.effect;
  const rows = effect?.rows_estimate ?? null;
  const bytes = effect?.bytes_estimate ?? null;
  return (
    <div className="flex flex-col gap-2">
      <h2 className="text-heading">{text("preview.firstSync")}</h2>
      {rows === null ? (
        <p className="m-0 text-ink-muted">{text("preview.estimateUnknown")}</p>
      ) : (
        <>
          <p className="num m-0">{text("preview.estimateRows", { rows: format.count(rows) })}</p>
          {bytes !== null && <p className="num m-0">{text("preview.estimateBytes", { bytes: format.bytes(bytes) })}</p>}
          <p className="m-0 text-ink-muted">{text("preview.estimateBasis")}</p>
        </>
      )}
      {effect?.effects.map((sentence) => (
        <p key={sentence} className="m-0 text-ink-muted">
          {sentence}
        </p>
      ))}
    </div>
  );
}
