import type { FoundTable } from "~/api/generated";
import { useText } from "~/shared/text";
import { Choices, Field } from "~/shared/ui/Field";
import { Select } from "~/shared/ui/Select";
import type { Chosen, Mode, Treatment } from "./selection";

interface TableDetailProps {
  table: FoundTable | undefined;
  chosen: Chosen | undefined;
  onChange: (chosen: Chosen) => void;
}

const modes: readonly Mode[] = ["merge", "replace", "append", "history"];
const NONE = "";

/** How the focused table is synced, with what each choice means. */
export function TableDetail({ table, chosen, onChange }: TableDetailProps) {
  const text = useText();
  return (
    <aside aria-label={text("tables.mode")} className="flex w-[300px] shrink-0 flex-col gap-5 overflow-auto border-l border-border p-5">
      {!table || !chosen ? (
        <p className="m-0 text-ink-muted">{text("tables.focus")}</p>
      ) : (
        <>
          <h2 className="text-heading break-words">
            <bdi>{table.table}</bdi>
          </h2>
          {table.key.length === 0 && <p className="m-0 text-warn">{text("tables.noKey")}</p>}
          <Choices
            legend={text("tables.mode")}
            value={chosen.mode}
            onValue={(mode) => onChange({ ...chosen, mode })}
            choices={modes.map((mode) => ({ value: mode, label: text(`tables.mode.${mode}`), help: text(`tables.mode.${mode}Help`) }))}
          />
          {chosen.mode !== "replace" && <Cursor table={table} chosen={chosen} onChange={onChange} />}
          <Columns table={table} chosen={chosen} onChange={onChange} />
        </>
      )}
    </aside>
  );
}

interface PartProps {
  table: FoundTable;
  chosen: Chosen;
  onChange: (chosen: Chosen) => void;
}

function Cursor({ table, chosen, onChange }: PartProps) {
  const text = useText();
  if (table.cursors.length === 0) return <p className="m-0 text-ink-muted">{text("tables.noCursor")}</p>;
  const reason = table.cursors.find(({ column }) => column === chosen.cursor)?.reason;
  return (
    <Field label={text("tables.cursor")} help={reason ? `${text("tables.cursorHelp")} ${reason}` : text("tables.cursorHelp")}>
      {(ids) => (
        <Select
          {...ids}
          value={chosen.cursor ?? NONE}
          onValue={(cursor) => onChange({ ...chosen, cursor: cursor === NONE ? null : cursor })}
          choices={[
            ...table.cursors.map(({ column }) => ({ value: column, label: column })),
            { value: NONE, label: text("tables.cursorNone") },
          ]}
        />
      )}
    </Field>
  );
}

function Columns({ table, chosen, onChange }: PartProps) {
  const text = useText();
  const treat = (column: string, treatment: Treatment) =>
    onChange({ ...chosen, columns: { ...chosen.columns, [column]: treatment } });
  return (
    <section className="flex flex-col gap-2">
      <h3 className="text-body font-medium">{text("tables.columns")}</h3>
      <p className="m-0 text-ink-muted">{text("tables.hashHelp")}</p>
      <ul className="m-0 list-none p-0">
        {table.columns.map((column) => {
          // A table without its key cannot be kept up to date.
          const isKey = table.key.includes(column.name);
          const options: Treatment[] = isKey ? ["keep", "hash"] : ["keep", "hash", "exclude"];
          const words = { keep: text("tables.asItIs"), hash: text("tables.hash"), exclude: text("tables.leaveOut") };
          return (
            <li key={column.name} className="flex min-h-9 items-center gap-3 border-b border-border">
              <span className="min-w-0 flex-1">
                <bdi className="block truncate" title={column.name}>
                  {column.name}
                </bdi>
              </span>
              <bdi className="max-w-24 truncate text-ink-subtle">{column.type}</bdi>
              <Select
                small
                className="w-28"
                label={text("tables.treatment", { column: column.name })}
                value={chosen.columns[column.name] ?? "keep"}
                onValue={(treatment) => treat(column.name, treatment)}
                choices={options.map((option) => ({ value: option, label: words[option] }))}
              />
            </li>
          );
        })}
      </ul>
    </section>
  );
}
