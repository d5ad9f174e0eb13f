import { ClockArrowUp, KeyRound } from "lucide-react";
import type { TrialColumn, TrialResult } from "~/api/generated";
import { useText } from "~/shared/text";
import { Empty } from "~/shared/ui/feedback";
import { Cell, HeadRow } from "~/shared/ui/layout";
import { Badge } from "~/shared/ui/State";
import { seen } from "./findings";
import type { Table } from "./manifest";

/** The table as it will land: each column with its type, and with what was seen in it. */
export function Columns({ result, table }: { result: TrialResult | undefined; table: Table }) {
  const text = useText();
  if (!result || result.columns.length === 0) return <Empty sentence={text("builder.rowsEmpty")} />;
  const mixed = new Set(result.findings.flatMap(({ what }) => (what.kind === "mixed" ? [what.column] : [])));
  const columns = [
    { id: "name", title: "builder.landsColumn" as const },
    { id: "type", title: "builder.landsType" as const },
    { id: "seen", title: "builder.landsSeen" as const },
  ];
  return (
    // What scrolls must be reachable by keyboard.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className="min-h-0 flex-1 overflow-auto" tabIndex={0} role="region" aria-label={text("builder.tab.lands")}>
      <table className="w-full border-collapse">
        <thead>
          <HeadRow columns={columns} />
        </thead>
        <tbody>
          {result.columns.map((column) => (
            <tr key={column.name}>
              <Cell>
                <span className="inline-flex items-center gap-2">
                  <bdi>{column.name}</bdi>
                  <Marks column={column} table={table} />
                </span>
              </Cell>
              <Cell className="font-mono text-code">{column.lands_as}</Cell>
              <Cell className="whitespace-normal!">
                <span className="text-ink-muted">{column.seen.map(([kind, count]) => seen(text, kind, count)).join(", ")}</span>{" "}
                {mixed.has(column.name) && <Badge ink="warn">{text("builder.landsMixed")}</Badge>}
              </Cell>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Marks({ column, table }: { column: TrialColumn; table: Table }) {
  const text = useText();
  const isKey = table.key !== "custom" && table.key.includes(column.name);
  const isTime = table.newer !== "custom" && table.newer?.field === column.name;
  return (
    <>
      {isKey && <KeyRound size={14} strokeWidth={1.5} aria-label={text("builder.landsKey")} className="text-ok" />}
      {isTime && <ClockArrowUp size={14} strokeWidth={1.5} aria-label={text("builder.landsTime")} className="text-ok" />}
    </>
  );
}
