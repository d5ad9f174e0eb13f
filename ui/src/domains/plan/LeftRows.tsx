import clsx from "clsx";
import { useState } from "react";
import type { LeftTable } from "~/api/generated";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Button } from "~/shared/ui/Button";
import { Code } from "~/shared/ui/Code";
import { Dialog } from "~/shared/ui/Dialog";
import { Checkbox, Field, TextInput } from "~/shared/ui/Field";
import { targetText } from "./summary";
import { Sign, verbs } from "./verbs";

interface LeftRowsProps {
  left: readonly LeftTable[];
  busy: boolean;
  onRemove: ((tables: readonly string[]) => void) | undefined;
}

/** Tables that are no longer synced. Their rows stay; removing them is a line of its own that somebody has to tick, and
 * what could not be brought back has to be named as well. */
export function LeftRows({ left, busy, onRemove }: LeftRowsProps) {
  const [asking, setAsking] = useState<LeftTable | null>(null);
  const removed = left.filter(({ remove }) => remove).map(({ table }) => table);
  const set = (table: LeftTable, remove: boolean) =>
    onRemove?.(remove ? [...removed, table.table] : removed.filter((each) => each !== table.table));
  return (
    <>
      {left.map((table) => (
        <LeftRow
          key={table.table}
          table={table}
          busy={busy || !onRemove}
          onTick={(remove) => (remove && !table.restorable ? setAsking(table) : set(table, remove))}
        />
      ))}
      {asking && (
        <NameDialog
          table={asking}
          onClose={() => setAsking(null)}
          onNamed={() => {
            set(asking, true);
            setAsking(null);
          }}
        />
      )}
    </>
  );
}

function LeftRow({ table, busy, onTick }: { table: LeftTable; busy: boolean; onTick: (remove: boolean) => void }) {
  const text = useText();
  const format = useFormat();
  const rows = table.rows === null ? text("plan.left.someRows") : text("plan.left.rows", { count: table.rows, rows: format.exact(table.rows) });
  const { ink, word } = verbs.remove;
  return (
    <li className="flex flex-col gap-1 border-b border-border py-2 pr-6 pl-13" aria-label={table.table}>
      <div className="flex items-center gap-3">
        <span className={clsx("flex w-32 shrink-0 items-center gap-2", table.remove ? ink : "text-ink-muted")}>
          {table.remove && <Sign verb="remove" />}
          {text(table.remove ? word : "plan.left")}
        </span>
        <bdi className="w-56 shrink-0 truncate font-medium" title={table.table}>
          {table.table}
        </bdi>
        <span className="min-w-0 flex-1 text-ink-muted">
          {table.remove
            ? text(table.restorable ? "plan.left.goes" : "plan.left.goesForGood", { rows, target: targetText(table) })
            : text("plan.left.stays", { rows, target: targetText(table) })}
        </span>
      </div>
      <Checkbox
        className="text-bad"
        label={text("plan.left.remove", { rows, target: targetText(table) })}
        checked={table.remove}
        disabled={busy}
        onValue={onTick}
      />
      {table.remove && (
        <div className="flex flex-col gap-2 pl-6">
          <dl className="m-0 grid max-w-3xl grid-cols-[112px_1fr] gap-x-3 gap-y-1">
            <dt className="text-ink-muted">{text("plan.readers")}</dt>
            <dd className="m-0">{text("plan.readers.remove")}</dd>
            <dt className="text-ink-muted">{text("plan.undo")}</dt>
            <dd className="m-0">{text(table.restorable ? "plan.undo.remove" : "plan.undo.removeForGood")}</dd>
          </dl>
          {table.ddl.length > 0 && <Code>{table.ddl.join(";\n")}</Code>}
        </div>
      )}
    </li>
  );
}

/** Asks for the name of a table whose rows are nowhere else. */
function NameDialog({ table, onClose, onNamed }: { table: LeftTable; onClose: () => void; onNamed: () => void }) {
  const text = useText();
  const format = useFormat();
  const [typed, setTyped] = useState("");
  const named = typed === table.target.name;
  const rows = table.rows === null ? text("plan.left.someRows") : text("plan.left.rows", { count: table.rows, rows: format.exact(table.rows) });
  return (
    <Dialog
      open
      onClose={onClose}
      title={text("plan.left.nameTitle", { target: targetText(table) })}
      footer={
        <>
          <Button onClick={onClose}>{text("common.cancel")}</Button>
          <Button look="danger" blocked={named ? undefined : text("plan.left.nameFirst")} onClick={onNamed}>
            {text("plan.left.put")}
          </Button>
        </>
      }
    >
      <p className="mt-0">{text("plan.left.nameMeaning", { rows })}</p>
      <Field label={text("plan.left.name", { name: table.target.name })}>
        {(ids) => <TextInput {...ids} value={typed} onValue={setTyped} />}
      </Field>
    </Dialog>
  );
}
