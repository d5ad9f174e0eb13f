import { useNavigate } from "@tanstack/react-router";
import { PanelRight, RefreshCw } from "lucide-react";
import { useCallback, useState } from "react";
import { useAnswer } from "~/api/client";
import type { SampledPreview } from "~/api/generated";
import { ProfileStatus } from "~/domains/preview/ProfileStatus";
import { useProfiling } from "~/domains/preview/profiles";
import { Inspector, type InspectorPart } from "~/domains/preview/Inspector";
import type { Form } from "~/domains/preview/rows";
import { SampleSheets } from "~/domains/preview/SampleSheets";
import { TableList } from "~/domains/preview/TableList";
import { ValueDialog } from "~/domains/preview/ValueDialog";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Answer } from "~/shared/ui/Answer";
import { IconButton } from "~/shared/ui/Button";
import { Segments } from "~/shared/ui/layout";
import { Select } from "~/shared/ui/Select";
import type { PartProps } from "./ConnectionView";

const sizes = ["100", "1000", "10000"] as const;
type Size = (typeof sizes)[number];

/** What will land, in which shape, and whether it fits. Nothing is written. */
export function PreviewTab({ name, detail, table, column }: PartProps) {
  const text = useText();
  const format = useFormat();
  const navigate = useNavigate();
  const [size, setSize] = useState<Size>("1000");
  const [inspector, setInspector] = useState(() => column !== undefined || window.innerWidth >= 1180);
  const tables = detail.tables.map((each) => each.table);
  const shown = table ?? tables[0];
  const answer = useAnswer(
    "preview",
    { connection: name, table: shown ?? "", rows: Number(size) },
    { enabled: shown !== undefined },
  );
  return (
    <div className="flex min-h-0 flex-1">
      <TableList
        tables={tables}
        value={shown}
        onValue={(next) =>
          void navigate({ to: "/connections/$name/$tab", params: { name, tab: "preview" }, search: { table: next } })
        }
      />
      <div className="flex min-w-0 flex-1 flex-col">
        <div className="flex h-10 shrink-0 items-center gap-2 border-b border-border px-4">
          {answer.data && <SampleLine preview={answer.data} readAt={answer.dataUpdatedAt} />}
          <div className="ms-auto flex items-center gap-1">
            <Select
              small
              label={text("preview.size")}
              value={size}
              onValue={setSize}
              choices={sizes.map((each) => ({
                value: each,
                label: text("preview.firstRows", { rows: format.exact(Number(each)) }),
              }))}
            />
            <IconButton icon={RefreshCw} label={text("data.refresh")} onClick={() => void answer.refetch()} />
            <IconButton
              icon={PanelRight}
              pressed={inspector}
              label={text(inspector ? "preview.closeInspector" : "preview.openInspector")}
              onClick={() => setInspector(!inspector)}
            />
          </div>
        </div>
        <Answer of={answer} doing={text("preview.loading")} rows={12}>
          {(preview) => (
            <Sample
              key={`${preview.table} ${column}`}
              preview={preview}
              wanted={column}
              inspector={inspector}
              onGone={() => void answer.refetch()}
            />
          )}
        </Answer>
      </div>
    </div>
  );
}

function SampleLine({ preview, readAt }: { preview: SampledPreview; readAt: number }) {
  const text = useText();
  const format = useFormat();
  const { trial } = preview;
  const total = preview.effect?.rows_estimate ?? null;
  const rows = format.exact(trial.rows);
  const parts = [
    trial.all
      ? text("preview.sampleAll", { rows })
      : total === null
        ? text("preview.sample", { rows })
        : text("preview.sampleOf", { rows, total: format.count(total) }),
    text("preview.readAt", { time: format.clock(new Date(readAt).toISOString()) }),
    text("preview.nothingWritten"),
  ];
  return <span className="num truncate text-ink-muted">{parts.join(" · ")}</span>;
}

interface SampleProps {
  preview: SampledPreview;
  wanted: string | undefined;
  inspector: boolean;
  /** The engine does not keep the sample any more. */
  onGone: () => void;
}

function Sample({ preview, wanted, inspector, onGone }: SampleProps) {
  const text = useText();
  const [form, setForm] = useState<Form>("landed");
  const profiling = useProfiling(preview, onGone);
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
        <div className="flex min-h-11 shrink-0 flex-wrap items-center gap-x-3 border-b border-border px-2 py-2">
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
          <span className="ms-auto pe-2">
            <ProfileStatus profiling={profiling} />
          </span>
        </div>
        <SampleSheets preview={preview} form={form} profiling={profiling} begin={begin} onColumn={onColumn} onValue={setValue} />
      </div>
      {inspector && <Inspector preview={preview} store={profiling.store} column={column} part={part} onPart={setPart} />}
      <ValueDialog shown={value} onClose={() => setValue(null)} />
    </div>
  );
}
