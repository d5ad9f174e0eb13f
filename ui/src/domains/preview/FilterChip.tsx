import { X } from "lucide-react";
import type { SampledPreview } from "~/api/generated";
import { type Text, useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { IconButton } from "~/shared/ui/Button";
import { visible } from "~/shared/ui/Grid";
import type { RowFilter } from "./filter";

interface FilterChipProps {
  preview: SampledPreview;
  filter: RowFilter;
  /** How many rows there are without it. */
  total: number;
  onClear: () => void;
}

/** Which rows are shown of the sample, and how many, with the way back to all. */
export function FilterChip({ preview, filter, total, onClear }: FilterChipProps) {
  const text = useText();
  const format = useFormat();
  const words = filterText(text, preview, filter);
  return (
    <span className="flex min-w-0 items-center gap-2">
      <span className="flex h-7 min-w-0 items-center rounded-pill bg-accent-soft ps-3">
        <bdi title={words} className="max-w-56 truncate whitespace-pre">
          {words}
        </bdi>
        <IconButton icon={X} label={text("preview.clearFilter")} onClick={onClear} />
      </span>
      <span role="status" className="num whitespace-nowrap text-ink-muted">
        {text("preview.filtered", { rows: format.exact(filter.rows.size), count: total, total: format.exact(total) })}
      </span>
    </span>
  );
}

function filterText(text: Text, { columns }: SampledPreview, { column, of }: RowFilter): string {
  const name = columns[column]?.target ?? "";
  return "value" in of
    ? text("preview.filter.value", { column: name, value: visible(of.value) })
    : text("preview.filter.range", { column: name, from: of.from, to: of.to });
}
