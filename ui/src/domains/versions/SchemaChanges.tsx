import clsx from "clsx";
import type { ColumnDiff, DefinitionLine, SourceUpgrade, TableChange, TableDiff } from "~/api/generated";
import { Sign, verbs } from "~/domains/plan/verbs";
import { Lines } from "~/domains/preview/Definition";
import { faultOf } from "~/domains/runs/fault";
import { type MessageId, useText } from "~/shared/text";
import { Fault } from "~/shared/ui/Fault";

interface SchemaChangesProps {
  upgrade: SourceUpgrade;
  /** Who syncs a table of the source, by its name. */
  syncedBy: (table: string) => readonly string[];
}

/** What another version changes in the tables of a source. */
export function SchemaChanges({ upgrade: { diff, problem }, syncedBy }: SchemaChangesProps) {
  const text = useText();
  if (diff === null) {
    return problem && <Fault mild fault={faultOf(problem)} className="mx-6 my-3" />;
  }
  return (
    <>
      {diff.tables.length > 0 && (
        <ul className="m-0 list-none p-0">
          {diff.tables.map((table) => (
            <TableRow key={table.table} table={table} syncedBy={syncedBy(table.table)} />
          ))}
        </ul>
      )}
      {diff.same > 0 && <p className="m-0 px-6 py-3 text-ink-muted">{text("versions.sameTables", { count: diff.same })}</p>}
    </>
  );
}

const verbOf = { added: "add", removed: "remove", changed: "change" } as const satisfies Record<TableChange, keyof typeof verbs>;

function TableRow({ table, syncedBy }: { table: TableDiff; syncedBy: readonly string[] }) {
  const text = useText();
  const verb = verbOf[table.change];
  return (
    <li className="border-b border-border px-6 py-3">
      <div className="flex items-center gap-3">
        <span className={clsx("flex w-32 shrink-0 items-center gap-2", verbs[verb].ink)}>
          <Sign verb={verb} />
          {text(verbs[verb].word)}
        </span>
        <bdi className="min-w-0 flex-1 truncate font-medium">{table.table}</bdi>
        <span className="shrink-0 text-ink-muted">
          {syncedBy.length > 0 ? text("versions.syncedBy", { names: syncedBy.join(", ") }) : text("versions.notSynced")}
        </span>
      </div>
      <div className="flex flex-col gap-2 ps-35 pt-1">
        {table.columns.length > 0 && <Lines lines={table.columns.map(asLine)} />}
        {effectsOf(table).map(([id, values]) => (
          <p key={id} className="m-0 text-ink-muted">
            {text(id, values)}
          </p>
        ))}
      </div>
    </li>
  );
}

function asLine({ column, before, after }: ColumnDiff): DefinitionLine {
  if (before === null) return { sign: "add", text: `${column} ${after}`, before: null };
  if (after === null) return { sign: "remove", text: `${column} ${before}`, before: null };
  return { sign: "change", text: `${column} ${after}`, before: `${column} ${before}` };
}

/** What that means for the rows that are there and those that come. */
function effectsOf({ change, columns, key, unreadable }: TableDiff): [MessageId, Record<string, string>?][] {
  if (unreadable !== null) return [["versions.effect.unreadable", { why: unreadable }]];
  if (change !== "changed") return [[`versions.effect.${change}`]];
  const effects: [MessageId, Record<string, string>?][] = [];
  if (columns.some(({ before }) => before === null)) effects.push(["versions.effect.newColumn"]);
  if (columns.some(({ before, after }) => before !== null && after === null)) effects.push(["versions.effect.goneColumn"]);
  if (columns.some(({ before, after }) => before !== null && after !== null)) effects.push(["versions.effect.otherType"]);
  if (key !== null) effects.push(["versions.effect.key", { before: key[0].join(", ") || "–", after: key[1].join(", ") || "–" }]);
  return effects;
}
