import clsx from "clsx";
import { useText } from "~/shared/text";

interface TableListProps {
  tables: readonly string[];
  value: string | undefined;
  onValue: (table: string) => void;
}

/** The tables of a connection, of which one is shown. */
export function TableList({ tables, value, onValue }: TableListProps) {
  const text = useText();
  return (
    <nav aria-label={text("data.tables")} className="flex w-44 shrink-0 flex-col overflow-auto border-e border-border p-2">
      {tables.map((table) => (
        <button
          key={table}
          type="button"
          aria-current={table === value ? "true" : undefined}
          onClick={() => onValue(table)}
          title={table}
          className={clsx(
            "h-8 shrink-0 truncate rounded-control border-0 px-2 text-start",
            table === value ? "bg-accent-soft text-ink" : "bg-transparent text-ink-muted hover:bg-sunken hover:text-ink",
          )}
        >
          <bdi>{table}</bdi>
        </button>
      ))}
    </nav>
  );
}
