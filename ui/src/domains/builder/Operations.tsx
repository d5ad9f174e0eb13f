import { useState } from "react";
import { useText } from "~/shared/text";
import { Button } from "~/shared/ui/Button";
import { Checkbox } from "~/shared/ui/Field";
import { Cell, HeadRow } from "~/shared/ui/layout";
import { Problem } from "~/shared/ui/Problem";
import type { Choosing } from "./store";

interface OperationsProps {
  choosing: Choosing;
  pending: boolean;
  error: unknown;
  onBack: () => void;
  onChosen: (ids: string[]) => void;
}

/** What a description offers; somebody chooses what becomes a table. */
export function Operations({ choosing, pending, error, onBack, onChosen }: OperationsProps) {
  const text = useText();
  const { operations, problems, title } = choosing.draft;
  const [chosen, setChosen] = useState(() => new Set(operations.filter((operation) => operation.chosen).map(({ id }) => id)));
  const toggle = (id: string, wanted: boolean) => {
    const next = new Set(chosen);
    if (wanted) next.add(id);
    else next.delete(id);
    setChosen(next);
  };
  const parentName = (id: string | null) => operations.find((operation) => operation.id === id)?.table ?? "";
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="flex flex-col gap-3 px-6 pt-5 pb-3">
        <div>
          <h2 className="text-title">{text("builder.choose")}</h2>
          <p className="m-0 text-ink-muted">
            <bdi>{title}</bdi> · {text("builder.chooseHelp")}
          </p>
        </div>
        {problems.length > 0 && (
          <div role="status" className="rounded-card border border-border bg-warn-soft p-3">
            <p className="m-0 font-medium text-warn">{text("builder.problems", { count: problems.length })}</p>
            <ul className="m-0 pl-5">
              {problems.slice(0, 5).map(({ line, message }) => (
                <li key={`${line}${message}`} className="break-words">
                  {line === null ? message : text("builder.problemLine", { line, message })}
                </li>
              ))}
            </ul>
          </div>
        )}
      </div>
      {/* What scrolls must be reachable by keyboard. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className="min-h-0 flex-1 overflow-auto" tabIndex={0} role="region" aria-label={text("builder.choose")}>
        <table className="w-full border-collapse">
          <thead className="sticky top-0 bg-bg">
            <HeadRow
              columns={[
                { id: "pick", title: null },
                { id: "table", title: "builder.tableName" },
                { id: "operation", title: "builder.operation" },
                { id: "gives", title: "builder.gives" },
              ]}
            />
          </thead>
          <tbody>
            {operations.map((operation) => (
              <tr key={operation.id} className="hover:bg-sunken">
                <Cell>
                  <Checkbox bare label={operation.table} checked={chosen.has(operation.id)} disabled={operation.needs.length > 0 && operation.parent === null} onValue={(wanted) => toggle(operation.id, wanted)} />
                </Cell>
                <Cell>
                  <bdi className="font-medium">{operation.table}</bdi>
                </Cell>
                <Cell className="whitespace-normal!">
                  <bdi className="font-mono text-code">{operation.id}</bdi>
                  {operation.summary && <span className="block text-ink-muted">{operation.summary}</span>}
                </Cell>
                <Cell className="text-ink-muted">
                  {operation.parent !== null
                    ? text("builder.gives.perParent", { parent: parentName(operation.parent) })
                    : operation.needs.length > 0
                      ? text("builder.gives.needs", { names: operation.needs.join(", ") })
                      : text(operation.lists ? "builder.gives.list" : "builder.gives.one")}
                </Cell>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {error !== null && <Problem error={error} className="m-4" />}
      <div className="flex items-center gap-3 border-t border-border px-6 py-3">
        <Button look="primary" disabled={pending || chosen.size === 0} onClick={() => onChosen([...chosen])}>
          {text("builder.makeTables", { count: chosen.size })}
        </Button>
        <Button onClick={onBack}>{text("builder.back")}</Button>
      </div>
    </div>
  );
}
