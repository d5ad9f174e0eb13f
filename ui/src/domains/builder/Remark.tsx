import clsx from "clsx";
import { Check, CircleCheck, Lightbulb, OctagonX, TriangleAlert } from "lucide-react";
import type { BuilderField, TrialFinding, Severity } from "~/api/generated";
import { useText } from "~/shared/text";
import { Button } from "~/shared/ui/Button";
import { Words } from "~/shared/ui/Words";
import { advice, remedy, sentence, why } from "./findings";
import type { Path } from "./json";
import { startsWith } from "./json";
import type { Edit, Manifest, Table } from "./manifest";
import { useBuilder } from "./store";

/** A value that nobody confirmed yet: its reason, and the button that confirms it. */
export function GuessChip({ path }: { path: Path }) {
  const text = useText();
  const guesses = useBuilder(({ working }) => working?.guesses) ?? [];
  const confirm = useBuilder((builder) => builder.confirm);
  const own = guesses.filter((guess) => startsWith(guess.path, path) || startsWith(path, guess.path));
  const [guess] = own;
  if (!guess) return null;
  const reason = why(text, guess.because);
  return (
    <span className="inline-flex min-h-6 max-w-full items-center gap-1 self-start rounded-input bg-new-soft pl-2 text-caption font-medium text-new" data-guess>
      <Lightbulb size={12} strokeWidth={1.75} aria-hidden className="shrink-0" />
      <span className="min-w-0 py-0.5">{reason}</span>
      <button
        type="button"
        aria-label={text("builder.confirmGuess", { why: reason })}
        title={text("builder.confirm")}
        onClick={() => confirm(own)}
        className="inline-flex size-6 shrink-0 items-center justify-center rounded-input border-0 bg-transparent p-0 text-new hover:bg-raised"
      >
        <Check size={14} strokeWidth={2} aria-hidden />
      </button>
    </span>
  );
}

const looks: Record<Severity, { icon: typeof OctagonX; ink: string }> = {
  problem: { icon: OctagonX, ink: "text-bad" },
  unproved: { icon: TriangleAlert, ink: "text-warn" },
  proved: { icon: CircleCheck, ink: "text-ok" },
};

export function FindingLine({ finding, action }: { finding: TrialFinding; action?: { label: string; run: () => void } | null }) {
  const text = useText();
  const { icon: Icon, ink } = looks[finding.severity];
  const fix = advice(text, finding);
  return (
    <div className="flex items-start gap-2" data-finding={finding.severity} data-field={finding.field}>
      <Icon size={16} strokeWidth={1.75} aria-hidden className={clsx("mt-0.5 shrink-0", ink)} />
      <div className="min-w-0 flex-1">
        <p className={clsx("m-0 break-words", finding.severity === "proved" ? "text-ink-muted" : ink)}>
          <Words>{sentence(text, finding)}</Words>
        </p>
        {fix && <p className="m-0 text-ink-muted"><Words>{fix}</Words></p>}
        {action && (
          <Button size="small" className="mt-1" onClick={action.run}>
            {action.label}
          </Button>
        )}
      </div>
    </div>
  );
}

interface RemarksProps {
  field: BuilderField;
  manifest: Manifest;
  table: Table | null;
  apply: (edits: readonly Edit[]) => void;
}

/** What the last test says about a field, beside the field. */
export function Remarks({ field, manifest, table, apply }: RemarksProps) {
  const text = useText();
  const trials = useBuilder((builder) => builder.trials);
  const results = table ? [trials[table.name]] : Object.values(trials);
  const findings = results.flatMap((result) => result?.findings.filter((finding) => finding.field === field) ?? []);
  if (findings.length === 0) return null;
  return (
    <div role="status" className="flex flex-col gap-1">
      {findings.map((finding) => {
        const help = table && remedy(text, finding, manifest, table);
        return <FindingLine key={JSON.stringify(finding.what)} finding={finding} action={help ? { label: help.label, run: () => apply(help.edits) } : null} />;
      })}
    </div>
  );
}
