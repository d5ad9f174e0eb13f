import { RefreshCw, ShieldAlert } from "lucide-react";
import { useDeferredValue, useMemo, useState } from "react";
import { useAnswer } from "~/api/client";
import type { FoundTable } from "~/api/generated";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Answer } from "~/shared/ui/Answer";
import { Button, IconButton } from "~/shared/ui/Button";
import { Empty } from "~/shared/ui/feedback";
import { SearchInput, Segments } from "~/shared/ui/layout";
import { personalCount, search, type Selection, toggled, totalsOf, treated, undecidedCount, withWord } from "./selection";
import { TableDetail } from "./TableDetail";
import { TableTree } from "./TableTree";

interface TablesStepProps {
  source: string;
  selection: Selection;
  onSelection: (selection: Selection) => void;
  onContinue: (tables: readonly FoundTable[]) => void;
  /** What is said on the button that goes on, and why it cannot. */
  action?: { label: string; blocked?: string | undefined };
  /** How many tables are synced now and will not be any more. */
  leaving?: number;
}

/** Which tables and columns, and how. Nothing is ticked before the person ticks it. */
export function TablesStep(props: TablesStepProps) {
  const text = useText();
  const [refresh, setRefresh] = useState(false);
  const answer = useAnswer("discover", { source: props.source, refresh });
  const again = () => (refresh ? void answer.refetch() : setRefresh(true));
  return (
    <Answer of={answer} doing={text("tables.loading")} rows={12}>
      {(tables) =>
        tables.length === 0 ? (
          <Empty sentence={text("tables.empty")} actions={<Button onClick={again}>{text("tables.again")}</Button>} />
        ) : (
          <Chooser {...props} tables={tables} onAgain={again} />
        )
      }
    </Answer>
  );
}

const PERSONAL = "personal";

type Show = "all" | "selected";

interface ChooserProps extends TablesStepProps {
  tables: readonly FoundTable[];
  onAgain: () => void;
}

function Chooser({ tables, selection, onSelection, onContinue, onAgain, action, leaving = 0 }: ChooserProps) {
  const text = useText();
  const format = useFormat();
  const [query, setQuery] = useState("");
  const [show, setShow] = useState<Show>("all");
  const [focused, setFocused] = useState<string | null>(tables[0]?.table ?? null);
  const wanted = useDeferredValue(query);
  const found = useMemo(
    () => search(show === "all" ? tables : tables.filter((table) => selection[table.table]), wanted),
    [tables, selection, show, wanted],
  );
  const byName = useMemo(() => new Map(tables.map((table) => [table.table, table])), [tables]);
  const totals = useMemo(() => totalsOf(tables, selection), [tables, selection]);
  const personal = useMemo(() => personalCount(tables), [tables]);
  const undecided = useMemo(() => undecidedCount(tables, selection), [tables, selection]);
  const onlyPersonal = query.toLowerCase().split(/\s+/).includes(PERSONAL);
  const table = focused ? byName.get(focused) : undefined;
  const chosen = focused ? selection[focused] : undefined;
  // A key that is typed changes neither of these before its answer is there.
  const tree = useMemo(
    () =>
      found.tables.length === 0 ? (
        <Empty sentence={text("tables.noMatch")} />
      ) : (
        <TableTree
          found={found}
          query={wanted}
          selection={selection}
          focused={focused}
          onFocus={setFocused}
          onToggle={(each, on) => onSelection(toggled(selection, each, on))}
          onTreat={(each, column, treatment) => onSelection(treated(selection, each, column, treatment))}
        />
      ),
    [text, found, wanted, selection, focused, onSelection],
  );
  const panel = useMemo(
    () => (
      <TableDetail
        table={table}
        chosen={chosen}
        onTreat={(column, treatment) => table && onSelection(treated(selection, table, column, treatment))}
        onChange={(next) => focused && onSelection({ ...selection, [focused]: next })}
      />
    ),
    [table, chosen, selection, focused, onSelection],
  );

  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="flex h-12 shrink-0 items-center gap-3 border-b border-border px-4">
        <SearchInput label={text("tables.search")} value={query} onValue={setQuery} className="w-72" />
        <Segments
          label={text("tables.show")}
          value={show}
          onValue={setShow}
          options={[
            { value: "selected", label: text("tables.selected", { count: totals.tables }) },
            { value: "all", label: text("tables.all", { count: tables.length }) },
          ]}
        />
        {wanted !== "" && (
          <span role="status" className="num text-ink-muted">
            {text("tables.matches", { tables: found.tables.length, columns: found.columnCount })}
          </span>
        )}
        <div className="ml-auto flex items-center gap-1">
          <Button size="small" onClick={() => onSelection(toggled(selection, found.tables, true))}>
            {text("tables.selectMatching")}
          </Button>
          <Button size="small" look="quiet" onClick={() => onSelection({})} disabled={totals.tables === 0}>
            {text("tables.clear")}
          </Button>
          <IconButton icon={RefreshCw} label={text("tables.again")} onClick={onAgain} />
        </div>
      </div>
      {personal > 0 && (
        <div className="flex min-h-9 shrink-0 items-center gap-3 border-b border-border px-4">
          <ShieldAlert size={16} strokeWidth={1.5} aria-hidden className="shrink-0 text-warn" />
          <span>{text("tables.personalCount", { count: personal })}</span>
          <Button size="small" look="quiet" aria-pressed={onlyPersonal} onClick={() => setQuery(withWord(query, PERSONAL))}>
            {text(onlyPersonal ? "tables.personalAll" : "tables.personalOnly")}
          </Button>
        </div>
      )}
      <div data-query={wanted} className="flex min-h-0 flex-1">
        {tree}
        {panel}
      </div>
      <div className="flex h-14 shrink-0 items-center gap-3 border-t border-border px-4">
        <span role="status" className="num text-ink-muted">
          {text("tables.summary", { tables: totals.tables, total: tables.length, columns: totals.columns })}
          {totals.rows !== null && ` · ${text("tables.summaryRows", { rows: format.count(totals.rows) })}`}
          {undecided > 0 && ` · ${text("tables.summaryOpen", { count: undecided })}`}
          {leaving > 0 && <span className="text-warn">{` · ${text("tables.leaving", { count: leaving })}`}</span>}
        </span>
        <Button
          look="primary"
          className="ml-auto"
          blocked={totals.tables === 0 ? text("tables.none") : action?.blocked}
          onClick={() => onContinue(tables)}
        >
          {action?.label ?? text("wizard.continue")}
        </Button>
      </div>
    </div>
  );
}
