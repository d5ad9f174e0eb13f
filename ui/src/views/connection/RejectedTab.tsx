import { CircleCheck } from "lucide-react";
import { useMemo, useState } from "react";
import { useAnswer } from "~/api/client";
import type { QuarantineRow } from "~/api/generated";
import { LetGoDialog } from "~/domains/quarantine/LetGoDialog";
import { ReplayDrawer } from "~/domains/quarantine/ReplayDrawer";
import { grouped } from "~/shared/group";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Answer } from "~/shared/ui/Answer";
import { Button } from "~/shared/ui/Button";
import { Empty } from "~/shared/ui/feedback";
import { Checkbox } from "~/shared/ui/Field";
import { visible } from "~/shared/ui/Grid";
import { Cell, HeadRow } from "~/shared/ui/layout";
import { Words } from "~/shared/ui/Words";
import type { PartProps } from "./ConnectionView";

const ROWS_MAX = 1_000;

const columns = [
  { id: "pick", title: null },
  { id: "row", title: "rejected.column.key" },
  { id: "column", title: "rejected.column.column" },
  { id: "value", title: "rejected.column.value" },
  { id: "reason", title: "rejected.column.reason" },
  { id: "when", title: "rejected.column.when" },
] as const;

/** Rows that did not fit, with the reason, and the way back in. */
export function RejectedTab({ name }: PartProps) {
  const text = useText();
  const answer = useAnswer("quarantine.list", { connection: name, limit: ROWS_MAX });
  return (
    <Answer of={answer} doing={text("rejected.loading")}>
      {(rows) =>
        rows.length === 0 ? <Empty icon={CircleCheck} sentence={text("rejected.empty")} /> : <Tables name={name} rows={rows} />
      }
    </Answer>
  );
}

function Tables({ name, rows }: { name: string; rows: readonly QuarantineRow[] }) {
  const tables = useMemo(() => grouped(rows, ({ table }) => table), [rows]);
  return (
    <div className="min-h-0 flex-1 overflow-auto">
      {tables.map(([table, own]) => (
        <TableSection key={table} name={name} table={table} rows={own} />
      ))}
    </div>
  );
}

function TableSection({ name, table, rows }: { name: string; table: string; rows: readonly QuarantineRow[] }) {
  const text = useText();
  const format = useFormat();
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const [replaying, setReplaying] = useState(false);
  const [letting, setLetting] = useState(false);
  // Rows leave when they are loaded; what is ticked is only what is still here.
  const chosen = rows.filter(({ id }) => picked.has(id));
  const toggle = (id: string, on: boolean) => {
    const next = new Set(picked);
    if (on) next.add(id);
    else next.delete(id);
    setPicked(next);
  };
  return (
    <section>
      <div className="sticky top-0 z-sticky flex h-12 items-center gap-3 border-b border-border bg-bg px-6">
        <Checkbox
          bare
          label={text("rejected.pickAll", { table })}
          checked={chosen.length === rows.length}
          half={chosen.length > 0 && chosen.length < rows.length}
          onValue={(on) => setPicked(new Set(on ? rows.map(({ id }) => id) : []))}
        />
        <h2 className="text-heading">
          <bdi>{table}</bdi>
        </h2>
        <span className="num text-ink-muted">{text("rejected.count", { count: rows.length })}</span>
        <Button size="small" className="ms-auto" disabled={chosen.length === 0} onClick={() => setLetting(true)}>
          {text("rejected.letGo", { count: chosen.length })}
        </Button>
        <Button
          look="primary"
          size="small"
          disabled={chosen.length === 0}
          onClick={() => setReplaying(true)}
        >
          {text("rejected.retry", { count: chosen.length })}
        </Button>
      </div>
      <table className="w-full border-collapse">
        <thead>
          <HeadRow columns={columns} />
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.id} className="hover:bg-sunken">
              <Cell className="w-8">
                <Checkbox
                  bare
                  label={text("rejected.pick", { id: row.id })}
                  checked={picked.has(row.id)}
                  onValue={(on) => toggle(row.id, on)}
                />
              </Cell>
              <Cell className="max-w-80 truncate font-mono text-code" title={row.row}>
                <bdi>{row.row}</bdi>
              </Cell>
              <Cell>{row.column && <bdi>{row.column}</bdi>}</Cell>
              <Cell className="max-w-48 truncate font-mono text-code">
                {row.value === null ? (
                  <span className="text-ink-subtle">{text("common.null")}</span>
                ) : (
                  <bdi>{visible(row.value)}</bdi>
                )}
              </Cell>
              <Cell className="text-ink-muted"><Words>{row.reason}</Words></Cell>
              <Cell className="num whitespace-nowrap text-ink-muted" title={format.moment(row.at)}>
                {format.ago(row.at)}
              </Cell>
            </tr>
          ))}
        </tbody>
      </table>
      <ReplayDrawer
        open={replaying}
        connection={name}
        table={table}
        rows={chosen}
        onClose={() => setReplaying(false)}
      />
      <LetGoDialog open={letting} connection={name} table={table} rows={chosen} onClose={() => setLetting(false)} />
    </section>
  );
}
