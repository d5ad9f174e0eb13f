import { useNavigate } from "@tanstack/react-router";
import { PanelRight, RefreshCw } from "lucide-react";
import { type ReactNode, useState } from "react";
import type { SampledPreview } from "~/api/generated";
import { ReadingSample } from "~/domains/preview/ReadingSample";
import { Sample } from "~/domains/preview/Sample";
import { SampleLine } from "~/domains/preview/SampleLine";
import { SampleMenu } from "~/domains/preview/SampleMenu";
import { TableList } from "~/domains/preview/TableList";
import { type SampleReading, useSample } from "~/domains/preview/useSample";
import { useText } from "~/shared/text";
import { Answer } from "~/shared/ui/Answer";
import { Button, IconButton } from "~/shared/ui/Button";
import { Empty } from "~/shared/ui/feedback";
import type { PartProps } from "./ConnectionView";

/** What will land, in which shape, and whether it fits. Nothing is written. */
export function PreviewTab({ name, detail, table, column }: PartProps) {
  const text = useText();
  const navigate = useNavigate();
  const [inspector, setInspector] = useState(() => column !== undefined || window.innerWidth >= 1180);
  const tables = detail.tables.map((each) => each.table);
  const shown = table ?? tables[0];
  const reading = useSample(name, shown);
  const { answer, picked } = reading;
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
          {answer.data && <SampleLine preview={answer.data} picked={picked} readAt={answer.dataUpdatedAt} />}
          <div className="ms-auto flex shrink-0 items-center gap-1">
            <SampleMenu {...reading} key={shown} wrong={answer.error !== null} />
            <IconButton icon={RefreshCw} label={text("data.refresh")} onClick={() => void answer.refetch()} />
            <IconButton
              icon={PanelRight}
              pressed={inspector}
              label={text(inspector ? "preview.closeInspector" : "preview.openInspector")}
              onClick={() => setInspector(!inspector)}
            />
          </div>
        </div>
        <Content reading={reading}>
          {(preview) => (
            <Sample
              key={`${preview.table} ${column}`}
              connection={name}
              preview={preview}
              wanted={column}
              inspector={inspector}
              empty={text(picked.choice === "where" ? "preview.noMatch" : "data.empty")}
              onGone={() => void answer.refetch()}
            />
          )}
        </Content>
      </div>
    </div>
  );
}

function Content({ reading, children }: { reading: SampleReading; children: (preview: SampledPreview) => ReactNode }) {
  const text = useText();
  const { answer, ticket, columns, cancelled, cancel } = reading;
  if (cancelled) {
    return <Empty sentence={text("preview.cancelled")} actions={<Button onClick={() => void answer.refetch()}>{text("data.refresh")}</Button>} />;
  }
  return (
    <Answer
      of={answer}
      doing={text("preview.loading")}
      // Each reading begins its own wait.
      loading={<ReadingSample key={ticket} ticket={ticket} columns={columns} onCancel={cancel} />}
    >
      {children}
    </Answer>
  );
}
