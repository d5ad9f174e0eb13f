import type { SampledPreview } from "~/api/generated";
import { type Text, useText } from "~/shared/text";
import { type Format, useFormat } from "~/shared/text/format";
import type { Picked } from "./picks";

interface SampleLineProps {
  preview: SampledPreview;
  picked: Picked;
  /** In milliseconds since 1970. */
  readAt: number;
}

/** Which rows these are, of how many, and when they were read. */
export function SampleLine({ preview, picked, readAt }: SampleLineProps) {
  const text = useText();
  const format = useFormat();
  const parts = [
    sampleText(text, format, preview, picked),
    text("preview.readAt", { time: format.clock(new Date(readAt).toISOString()) }),
    text("preview.nothingWritten"),
  ];
  const line = parts.join(" · ");
  return (
    <span title={line} className="num min-w-0 truncate text-ink-muted">
      {line}
    </span>
  );
}

function sampleText(text: Text, { exact, count }: Format, { trial, effect }: SampledPreview, picked: Picked): string {
  const total = effect?.rows_estimate ?? null;
  const values = { count: trial.rows, rows: exact(trial.rows), total: total === null ? "" : count(total) };
  switch (picked.choice) {
    case "where": {
      const { condition } = picked;
      return text(trial.cut ? "preview.whereCut" : "preview.where", { ...values, condition });
    }
    case "random":
      if (trial.cut) return text("preview.randomCut", values);
      if (trial.all) return text("preview.randomAll", values);
      return text(total === null ? "preview.random" : "preview.randomOf", values);
    default:
      if (trial.cut) return text("preview.sampleCut", values);
      if (trial.all) return text("preview.sampleAll", values);
      return text(total === null ? "preview.sample" : "preview.sampleOf", values);
  }
}
