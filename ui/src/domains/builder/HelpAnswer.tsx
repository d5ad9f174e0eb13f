import { CircleCheck, OctagonX } from "lucide-react";
import { lazy, Suspense } from "react";
import type { HelpedDraft, HelpedTable } from "~/api/generated";
import { useText } from "~/shared/text";
import { Code } from "~/shared/ui/Code";
import { FindingLine } from "./Remark";

const YamlDiff = lazy(() => import("./YamlDiff"));

/** A draft of a model is worth what requests have proved of it. */
export function HelpAnswer({ draft, before }: { draft: HelpedDraft; before: string }) {
  const text = useText();
  const Icon = draft.proved ? CircleCheck : OctagonX;
  return (
    <>
      <p role="status" data-proved={draft.proved} className={`m-0 flex items-start gap-2 font-medium ${draft.proved ? "text-ok" : "text-bad"}`}>
        <Icon size={16} strokeWidth={1.75} aria-hidden className="mt-0.5 shrink-0" />
        {text(draft.proved ? "help.proved" : "help.failed", { count: draft.tables.length })}
      </p>
      {draft.problem && (
        <p className="m-0 text-bad">
          {draft.problem.line === null ? draft.problem.message : text("builder.problemLine", { line: draft.problem.line, message: draft.problem.message })}
        </p>
      )}
      {draft.tables.map((table) => (
        <TableProof key={table.table} table={table} />
      ))}
      {draft.untried.length > 0 && <p className="m-0 text-warn">{text("help.untried", { names: draft.untried.join(", ") })}</p>}
      {draft.yaml === null ? (
        <section className="flex flex-col gap-1">
          <h3 className="m-0 text-heading">{text("help.noManifest")}</h3>
          <Code className="max-h-56 overflow-auto">{draft.answer.slice(0, 4000)}</Code>
        </section>
      ) : (
        <section className="flex flex-col gap-1">
          <h3 className="m-0 text-heading">{text("builder.changes")}</h3>
          <Suspense fallback={null}>
            <YamlDiff label={text("builder.changes")} before={before} after={draft.yaml} />
          </Suspense>
        </section>
      )}
    </>
  );
}

function TableProof({ table: { table, result } }: { table: HelpedTable }) {
  const text = useText();
  return (
    <section aria-label={table} className="flex flex-col gap-1">
      <h3 className="m-0 flex items-baseline gap-2 text-heading">
        <bdi>{table}</bdi>
        <span className="text-ink-muted">{text("builder.rowCount", { count: result.row_count })}</span>
      </h3>
      {result.findings.map((finding) => (
        <FindingLine key={JSON.stringify(finding.what)} finding={finding} />
      ))}
    </section>
  );
}
