import { useCallback, useEffect, useMemo, useState } from "react";
import type { SampledPreview } from "~/api/generated";
import { useText } from "~/shared/text";
import { Segments } from "~/shared/ui/layout";
import { FilterChip } from "./FilterChip";
import type { Filtering, RowFilter } from "./filter";
import { Inspector, type InspectorPart } from "./Inspector";
import { noVeil, useShowValues, type Veil, veiled, veilOf } from "./masking";
import { PersonalNote } from "./PersonalNote";
import { ProfileStatus } from "./ProfileStatus";
import { useProfiling } from "./profiles";
import { type Form, landedOf } from "./rows";
import { SampleSheets } from "./SampleSheets";
import { ValueDialog } from "./ValueDialog";

interface SampleProps {
  connection: string;
  preview: SampledPreview;
  /** The column to begin at. */
  wanted: string | undefined;
  inspector: boolean;
  /** Said when there are no rows. */
  empty: string;
  /** The engine does not keep the sample any more. */
  onGone: () => void;
}

/** The rows of a sample, and beside them what can be said about them. */
export function Sample({ connection, preview, wanted, inspector, empty, onGone }: SampleProps) {
  const text = useText();
  const [form, setForm] = useState<Form>("landed");
  const profiling = useProfiling(preview, onGone);
  const landed = useMemo(() => landedOf(preview), [preview]);
  const [valuesShown, showValues] = useShowValues(connection);
  const veil = useMemo(() => (valuesShown ? noVeil : veilOf(preview)), [preview, valuesShown]);
  const shown = useMemo(() => veiled(preview, veil, text("preview.maskedReason")), [preview, veil, text]);
  const { filter, filtering } = useFilter(preview, form, landed, veil);
  // One that is not there any more is no column, and the sample begins as always.
  const [begin] = useState(() => preview.columns.findIndex(({ source, target }) => source === wanted || target === wanted));
  const [column, setColumn] = useState<number | null>(begin < 0 ? null : begin);
  const [part, setPart] = useState<InspectorPart>(begin < 0 ? "findings" : "column");
  const [value, setValue] = useState<{ column: string; value: string } | null>(null);
  // Moving in the grid asks about columns; the findings were seen first.
  const onColumn = useCallback((at: number) => {
    setColumn(at);
    setPart((now) => (now === "findings" ? "column" : now));
  }, []);
  return (
    <div className="flex min-h-0 flex-1">
      <div className="flex min-w-0 flex-1 flex-col">
        <div className="flex min-h-11 shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b border-border px-2 py-2">
          <Segments
            label={text("preview.form")}
            value={form}
            onValue={setForm}
            options={[
              { value: "source", label: text("preview.form.source") },
              { value: "landed", label: text("preview.form.landed") },
              { value: "both", label: text("preview.form.both") },
            ]}
          />
          <PersonalNote personal={preview.personal} shown={valuesShown} onShown={showValues} />
          {filter && filtering && (
            <FilterChip
              preview={shown}
              filter={filter}
              total={form === "landed" ? shown.rows.length : shown.source_rows.length}
              onClear={() => filtering.onFilter(null)}
            />
          )}
          <span className="ms-auto pe-2">
            <ProfileStatus profiling={profiling} />
          </span>
        </div>
        <SampleSheets
          preview={shown}
          form={form}
          landed={landed}
          veil={veil}
          filter={filter}
          profiling={profiling}
          begin={begin}
          empty={empty}
          onColumn={onColumn}
          onValue={setValue}
        />
      </div>
      {inspector && (
        <Inspector preview={shown} store={profiling.store} column={column} veil={veil} filtering={filtering} part={part} onPart={setPart} />
      )}
      <ValueDialog shown={value} onClose={() => setValue(null)} />
    </div>
  );
}

/** Which rows are picked of a sample. Values are counted as they land: where it is not known which row of the source becomes
 * which one, none of the source can be picked. */
function useFilter(
  preview: SampledPreview,
  form: Form,
  landed: readonly (number | null)[] | null,
  veil: Veil,
): { filter: RowFilter | null; filtering: Filtering | null } {
  const [picked, setPicked] = useState<RowFilter | null>(null);
  const can = form === "landed" || landed !== null;
  // Rows of a sample before this one are no rows of this one, and what is masked is not named either.
  const filter = can && picked?.sample === preview.sample && !veil.landed.has(picked.column) ? picked : null;
  const filtering = useMemo(() => (can ? { filter, onFilter: setPicked } : null), [can, filter]);
  useEscape(filter !== null, setPicked);
  return { filter, filtering };
}

/** Esc takes the pick back wherever the focus is, except in what lies over the page and has an Esc of its own. */
function useEscape(picked: boolean, onFilter: Filtering["onFilter"]): void {
  useEffect(() => {
    if (!picked) return undefined;
    const onKey = (event: KeyboardEvent) => {
      const over = event.target instanceof Element && event.target.closest("[role=dialog], [role=listbox], [role=menu]");
      if (event.key === "Escape" && !event.defaultPrevented && !over) onFilter(null);
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [picked, onFilter]);
}
