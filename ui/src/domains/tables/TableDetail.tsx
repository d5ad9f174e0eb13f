import type { FoundTable, PersonalData } from "~/api/generated";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Button } from "~/shared/ui/Button";
import { Choices, Field } from "~/shared/ui/Field";
import { Select } from "~/shared/ui/Select";
import { Badge } from "~/shared/ui/State";
import type { Chosen, Mode, Treatment } from "./selection";

interface TableDetailProps {
  table: FoundTable | undefined;
  chosen: Chosen | undefined;
  onChange: (chosen: Chosen) => void;
  /** Also ticks the table. */
  onTreat: (column: string, treatment: Treatment) => void;
}

const modes: readonly Mode[] = ["merge", "replace", "append", "history"];
const NONE = "";

/** How the focused table is synced, with what each choice means. */
export function TableDetail({ table, chosen, onChange, onTreat }: TableDetailProps) {
  const text = useText();
  return (
    <aside aria-label={text("tables.mode")} className="flex w-[300px] shrink-0 flex-col gap-5 overflow-auto border-l border-border p-5">
      {!table ? (
        <p className="m-0 text-ink-muted">{text("tables.focus")}</p>
      ) : (
        <>
          <About table={table} />
          {table.unreadable === null && <Personal table={table} chosen={chosen} onTreat={onTreat} />}
          {chosen && (
            <>
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
          {!chosen && table.unreadable === null && <p className="m-0 text-ink-muted">{text("tables.untouched")}</p>}
        </>
      )}
    </aside>
  );
}

/** What the source says of the table. */
function About({ table }: { table: FoundTable }) {
  const text = useText();
  const format = useFormat();
  const size = table.bytes_estimate === null ? null : text("tables.size", { size: format.bytes(table.bytes_estimate) });
  return (
    <div className="flex flex-col gap-1">
      <h2 className="text-heading break-words">
        <bdi>{table.table}</bdi>
      </h2>
      <span className="num text-ink-muted">{[text(`tables.kind.${table.kind}`), size].filter(Boolean).join(" · ")}</span>
      {table.comment !== null && (
        <bdi className="break-words text-ink-muted">{table.comment}</bdi>
      )}
      {table.unreadable === null && <Found table={table} />}
      {table.unreadable !== null && <p className="m-0 text-bad">{text("tables.unreadable", { reason: table.unreadable })}</p>}
    </div>
  );
}

/** How rows are told apart and found again: what the source says, and what is only guessed, with the reason. */
function Found({ table }: { table: FoundTable }) {
  const text = useText();
  // The others can be chosen, but would miss changes in silence.
  const guess = table.cursors.find(({ column }) => column === table.suggested.cursor);
  return (
    <dl className="m-0 grid grid-cols-[80px_1fr] gap-x-2 gap-y-1">
      <dt className="text-ink-muted">{text("tables.keyIs")}</dt>
      <dd className="m-0 min-w-0 break-words">
        {table.key.length === 0 ? (
          text("common.none")
        ) : (
          <>
            <bdi>{table.key.join(", ")}</bdi> <span className="text-ink-muted">({text("tables.declared")})</span>
          </>
        )}
      </dd>
      <dt className="text-ink-muted">{text("tables.cursorIs")}</dt>
      <dd className="m-0 min-w-0 break-words">
        {guess === undefined ? (
          text("common.none")
        ) : (
          <>
            <bdi>{guess.column}</bdi> <span className="text-ink-muted">({text("tables.guessedBecause", { reason: guess.reason })})</span>
          </>
        )}
      </dd>
    </dl>
  );
}

interface PersonalProps {
  table: FoundTable;
  chosen: Chosen | undefined;
  onTreat: (column: string, treatment: Treatment) => void;
}

/** Guesses, each with its reason and the one thing that is usually done. Nothing happens by itself. */
function Personal({ table, chosen, onTreat }: PersonalProps) {
  const text = useText();
  const guessed = table.columns.flatMap(({ name, personal }) => (personal ? [{ name, personal }] : []));
  if (guessed.length === 0) return null;
  return (
    <section className="flex flex-col gap-2">
      <h3 className="text-body font-medium">{text("tables.personalCount", { count: guessed.length })}</h3>
      <ul className="m-0 flex list-none flex-col gap-3 p-0">
        {guessed.map(({ name, personal }) => {
          const { suggestion } = personal;
          const treatment = chosen?.columns[name] ?? "keep";
          return (
            <li key={name} className="flex flex-col gap-1">
              <div className="flex items-center gap-2">
                <bdi className="min-w-0 flex-1 truncate font-medium" title={name}>
                  {name}
                </bdi>
                <PersonalChip personal={personal} />
              </div>
              <p className="m-0 text-ink-muted">{text("tables.personalHelp", { evidence: personal.evidence })}</p>
              {treatment === "keep" ? (
                <Button
                  size="small"
                  className="self-start"
                  aria-label={text(suggestion === "hash" ? "tables.hashColumn" : "tables.leaveOutColumn", { column: name })}
                  onClick={() => onTreat(name, suggestion)}
                >
                  {text(suggestion === "hash" ? "tables.hash" : "tables.leaveOut")}
                </Button>
              ) : (
                <span className="text-ok">{text(treatment === "hash" ? "tables.isHashed" : "tables.isLeftOut")}</span>
              )}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** Of which kind, and how sure the guess is. */
export function PersonalChip({ personal }: { personal: PersonalData }) {
  const text = useText();
  return (
    <Badge ink={personal.likely ? "warn" : "idle"}>
      {text(personal.likely ? "tables.personalLikely" : "tables.personalPossible", { kind: personal.kind })}
    </Badge>
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
