import { FlaskConical, RotateCw } from "lucide-react";
import { useState } from "react";
import { useAnswer } from "~/api/client";
import type { Rehearsal, RehearsedTable, TableComparison } from "~/api/generated";
import { Lines } from "~/domains/preview/Definition";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Button } from "~/shared/ui/Button";
import { Loading } from "~/shared/ui/feedback";
import { visible } from "~/shared/ui/Grid";
import { Cell, HeadRow } from "~/shared/ui/layout";
import { Problem } from "~/shared/ui/Problem";
import { State } from "~/shared/ui/State";
import { Words } from "~/shared/ui/Words";

interface RehearseProps {
  connection: string;
  to: string;
}

/** The last recorded run of a connection on both versions, once somebody asks for that. */
export function Rehearse({ connection, to }: RehearseProps) {
  const text = useText();
  const [asked, setAsked] = useState(false);
  return (
    <section aria-label={text("versions.rehearsalOf", { connection })} className="border-b border-border">
      <div className="flex items-center gap-4 px-6 py-3">
        <p className="m-0 min-w-0 flex-1 text-ink-muted">
          <bdi className="font-medium text-ink">{connection}</bdi> {text("versions.rehearseAbout")}
        </p>
        {!asked && (
          <Button icon={FlaskConical} onClick={() => setAsked(true)}>
            {text("versions.rehearse")}
          </Button>
        )}
      </div>
      {asked && <Performed connection={connection} to={to} onCancel={() => setAsked(false)} />}
    </section>
  );
}

/** Leaving it ends what is being asked. */
function Performed({ connection, to, onCancel }: RehearseProps & { onCancel: () => void }) {
  const text = useText();
  const answer = useAnswer("connectors.rehearse", { connection, to }, { forget: true });
  const again = () => void answer.refetch();
  if (answer.isFetching) return <Loading doing={text("versions.rehearsing")} rows={2} onCancel={onCancel} />;
  // A run that was never recorded is nothing that went wrong.
  if (answer.error) return <Problem mild error={answer.error} onRetry={again} className="mx-6 mb-3" />;
  return answer.data && <Result rehearsal={answer.data} onAgain={again} />;
}

const columns = [
  { id: "table", title: "versions.column.table" },
  { id: "before", title: "versions.column.rowsNow", right: true },
  { id: "after", title: "versions.column.rowsThen", right: true },
  { id: "onlyBefore", title: "versions.column.onlyNow", right: true },
  { id: "onlyAfter", title: "versions.column.onlyThen", right: true },
  { id: "result", title: "versions.column.result" },
] as const;

function isSame({ only_before, only_after, columns_before, columns_after }: TableComparison): boolean {
  return only_before + only_after + columns_before.length + columns_after.length === 0;
}

function Result({ rehearsal, onAgain }: { rehearsal: Rehearsal; onAgain: () => void }) {
  const text = useText();
  const { connection, from, to, tables } = rehearsal;
  const same = tables.every(({ difference }) => difference !== null && isSame(difference));
  return (
    <div className="pb-3">
      <div role="status" className="flex items-center gap-3 px-6 pb-2">
        <State
          state={same ? "done" : "needs_decision"}
          word={text(same ? "versions.rehearsedSame" : "versions.rehearsedDiffers", { from, to })}
        />
        <Button look="quiet" size="small" icon={RotateCw} onClick={onAgain}>
          {text("versions.rehearseAgain")}
        </Button>
      </div>
      <table aria-label={text("versions.rehearsalOf", { connection })} className="w-full border-collapse border-t border-border">
        <thead>
          <HeadRow columns={columns} />
        </thead>
        <tbody>
          {tables.map((table) => (
            <TableRow key={table.table} table={table} from={from} to={to} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function TableRow({ table, from, to }: { table: RehearsedTable; from: string; to: string }) {
  const text = useText();
  const format = useFormat();
  const { difference, failed_before, failed_after } = table;
  if (difference === null) {
    const failed: [string, string | null][] = [
      [from, failed_before],
      [to, failed_after],
    ];
    return (
      <tr>
        <Cell className="align-top font-medium">
          <bdi>{table.table}</bdi>
        </Cell>
        <Cell colSpan={5} className="whitespace-normal!">
          {failed.map(
            ([version, why]) =>
              why !== null && (
                <span key={version} className="flex flex-col py-2">
                  <State state="failed" word={text("versions.cannotRead", { version })} />
                  <span className="ps-6 break-words text-ink-muted">
                    <Words>{why}</Words>
                  </span>
                </span>
              ),
          )}
        </Cell>
      </tr>
    );
  }
  const same = isSame(difference);
  return (
    <>
      <tr>
        <Cell className="font-medium">
          <bdi>{table.table}</bdi>
        </Cell>
        <Cell right>{format.exact(difference.rows_before)}</Cell>
        <Cell right>{format.exact(difference.rows_after)}</Cell>
        <Cell right>{format.exact(difference.only_before)}</Cell>
        <Cell right>{format.exact(difference.only_after)}</Cell>
        <Cell>
          <State state={same ? "done" : "needs_decision"} word={text(same ? "versions.same" : "versions.differs")} />
        </Cell>
      </tr>
      {!same && (
        <tr>
          <td colSpan={columns.length} className="border-b border-border px-6 py-3">
            <Difference difference={difference} from={from} to={to} />
          </td>
        </tr>
      )}
    </>
  );
}

/** The columns that differ, and some of the rows. */
function Difference({ difference, from, to }: { difference: TableComparison; from: string; to: string }) {
  const text = useText();
  const { columns_before, columns_after, example_columns, examples } = difference;
  const line = (sign: "add" | "remove") => (column: { name: string; type: string }) => ({ sign, text: `${column.name} ${column.type}`, before: null });
  const lines = [...columns_before.map(line("remove")), ...columns_after.map(line("add"))];
  return (
    <div className="flex flex-col gap-3">
      {lines.length > 0 && <Lines lines={lines} />}
      {examples.length > 0 && (
        // Many columns scroll on their own, by keyboard, too.
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <div role="region" tabIndex={0} aria-label={text("versions.examples")} className="max-h-80 overflow-auto">
          <table className="border-collapse" dir="ltr">
            <thead>
              <tr>
                {example_columns.map(({ name }, at) => (
                  <th key={name} scope="col" className="px-3 py-1 text-start text-caption font-medium whitespace-nowrap text-ink-muted">
                    {at === 0 ? text("versions.column.version") : <bdi>{name}</bdi>}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {examples.map((row, at) => (
                // Rows are what differs; they have no other name than their place.
                // oxlint-disable-next-line react/no-array-index-key
                <tr key={at} className={row[0] === "before" ? "bg-bad-soft" : "bg-ok-soft"}>
                  {row.map((value, column) => (
                    // oxlint-disable-next-line react/no-array-index-key
                    <td key={column} className="max-w-80 truncate px-3 py-1 font-mono text-code whitespace-pre">
                      {column === 0 ? (value === "before" ? from : to) : value === null ? <span className="text-ink-muted">{text("common.null")}</span> : visible(value)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}
