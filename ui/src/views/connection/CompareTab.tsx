import { useNavigate } from "@tanstack/react-router";
import { CircleCheck, RotateCw, Scale, TriangleAlert } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { send, useAnswer } from "~/api/client";
import type { Comparison, GapReason } from "~/api/generated";
import { usePlatform } from "~/platform";
import { type MessageId, useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Answer } from "~/shared/ui/Answer";
import { Button } from "~/shared/ui/Button";
import { Empty, Progress } from "~/shared/ui/feedback";
import { Cell, HeadRow } from "~/shared/ui/layout";
import { Problem } from "~/shared/ui/Problem";
import type { PartProps } from "./ConnectionView";

const columns = [
  { id: "table", title: "compare.column.table" },
  { id: "source", title: "compare.column.source", right: true },
  { id: "destination", title: "compare.column.destination", right: true },
  { id: "result", title: "compare.column.result" },
  { id: "expected", title: "compare.column.expected" },
  { id: "actions", title: null },
] as const;

/** Both sides of each table, row by row: what is missing, what differs, and what rightly does. */
export function CompareTab({ name, detail }: PartProps) {
  const text = useText();
  const format = useFormat();
  const tables = detail.tables.map(({ table }) => table);
  const last = useAnswer("compare.last", { connection: name });
  const work = useComparing(name);
  return (
    <div className="min-h-0 flex-1 overflow-auto">
      <div className="flex items-center gap-4 border-b border-border px-6 py-4">
        <p className="m-0 min-w-0 flex-1 text-ink-muted">{text("compare.about")}</p>
        {work.current ? (
          <>
            <span role="status" className="flex items-center gap-2">
              <Progress label={work.current} className="w-24" />
              {text("compare.reading", { table: work.current })}
            </span>
            <Button onClick={work.cancel}>{text("common.cancel")}</Button>
          </>
        ) : (
          <Button look="primary" icon={Scale} onClick={() => void work.compare(tables)}>
            {text("compare.all", { count: tables.length })}
          </Button>
        )}
      </div>
      {work.error !== null && <Problem error={work.error} className="mx-6 my-3" />}
      <Answer of={last} doing={text("history.loading")}>
        {(known) =>
          known.length === 0 && !work.current ? (
            <Empty icon={Scale} sentence={text("compare.empty")} />
          ) : (
            <table className="w-full border-collapse">
              <thead className="sticky top-0 z-sticky bg-bg">
                <HeadRow columns={columns} />
              </thead>
              <tbody>
                {tables.map((table) => {
                  const found = known.find((each) => each.table === table);
                  return found ? (
                    <Compared key={table} name={name} found={found} busy={work.current !== null} onAgain={() => void work.compare([table])} />
                  ) : (
                    <tr key={table}>
                      <Cell className="font-medium">
                        <bdi>{table}</bdi>
                      </Cell>
                      <Cell colSpan={4} className="text-ink-muted">
                        {text("compare.never")}
                      </Cell>
                      <Cell right>
                        <Button size="small" disabled={work.current !== null} onClick={() => void work.compare([table])}>
                          {text("compare.one")}
                        </Button>
                      </Cell>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          )
        }
      </Answer>
      {last.data && last.data.length > 0 && <p className="m-0 px-6 py-3 text-caption text-ink-subtle">{text("compare.note", { time: format.ago(newest(last.data)) })}</p>}
    </div>
  );
}

function newest(found: readonly Comparison[]): string {
  return found.reduce((latest, { at }) => (at > latest ? at : latest), found[0]?.at ?? "");
}

interface Comparing {
  /** The table that is being compared. */
  current: string | null;
  error: unknown;
  compare: (tables: readonly string[]) => Promise<void>;
  cancel: () => void;
}

/** One table after the other, so that the first result is there soon. Leaving the page cancels what is left. */
function useComparing(connection: string): Comparing {
  const platform = usePlatform();
  const [state, setState] = useState<{ current: string | null; error: unknown }>({ current: null, error: null });
  const control = useRef<AbortController>(null);
  useEffect(() => () => control.current?.abort(), []);
  const compare = async (tables: readonly string[]) => {
    const mine = new AbortController();
    control.current = mine;
    try {
      for (const table of tables) {
        setState({ current: table, error: null });
        // One after the other on purpose: each reads both sides in full.
        // oxlint-disable-next-line no-await-in-loop
        await send(platform, "compare", { connection, table }, mine.signal);
        if (mine.signal.aborted) return;
      }
      setState({ current: null, error: null });
    } catch (error) {
      if (!mine.signal.aborted) setState({ current: null, error });
    }
  };
  const cancel = () => {
    control.current?.abort();
    setState({ current: null, error: null });
  };
  return { ...state, compare, cancel };
}

const gaps: Record<GapReason, MessageId> = {
  not_synced: "compare.gap.not_synced",
  outdated: "compare.gap.outdated",
  deletes_not_tracked: "compare.gap.deletes_not_tracked",
  rejected: "compare.gap.rejected",
  same_key_again: "compare.gap.same_key_again",
  older_versions: "compare.gap.older_versions",
  columns_left_out: "compare.gap.columns_left_out",
};

function Compared({ name, found, busy, onAgain }: { name: string; found: Comparison; busy: boolean; onAgain: () => void }) {
  const text = useText();
  const format = useFormat();
  const navigate = useNavigate();
  const problems = found.missing + found.different + found.extra;
  const repairable = found.rereadable && found.missing + found.different > 0;
  return (
    <>
      <tr className={problems > 0 ? "bg-warn-soft" : undefined}>
        <Cell className="font-medium">
          <bdi>{found.table}</bdi>
        </Cell>
        <Cell right title={format.exact(found.source_rows)}>
          {format.count(found.source_rows)}
        </Cell>
        <Cell right title={format.exact(found.destination_rows)}>
          {format.count(found.destination_rows)}
        </Cell>
        <Cell className="whitespace-normal!">
          <Result found={found} />
        </Cell>
        <Cell className="whitespace-normal! text-ink-muted">
          {found.expected.length === 0
            ? text("compare.noGaps")
            : found.expected.map(({ reason, count }) => (
                <span key={reason} className="num block">
                  {text(gaps[reason], { count })}
                </span>
              ))}
        </Cell>
        <Cell right>
          <span className="inline-flex gap-2">
            {repairable && (
              <Button
                size="small"
                icon={RotateCw}
                onClick={() =>
                  void navigate({ to: "/connections/$name/$tab", params: { name, tab: "plan" }, search: { reread: found.table } })
                }
              >
                {text("compare.reread")}
              </Button>
            )}
            <Button size="small" disabled={busy} onClick={onAgain}>
              {text("compare.again")}
            </Button>
          </span>
        </Cell>
      </tr>
      {found.examples.length > 0 && (
        <tr>
          <td colSpan={columns.length} className="border-b border-border px-6 py-2">
            <Examples found={found} />
          </td>
        </tr>
      )}
    </>
  );
}

/** Matches, or what is wrong, in words; what is expected stands apart. */
function Result({ found }: { found: Comparison }) {
  const text = useText();
  const format = useFormat();
  const parts: [number, MessageId][] = [
    [found.missing, "compare.missing"],
    [found.different, "compare.different"],
    [found.extra, "compare.extra"],
    [found.unchecked, "compare.unchecked"],
  ];
  const wrong = parts.filter(([count]) => count > 0);
  return (
    <span className="flex flex-col">
      {wrong.length === 0 && (
        <span className="inline-flex items-center gap-2 text-ok">
          <CircleCheck size={16} strokeWidth={1.75} aria-hidden />
          {text("compare.matches", { rows: format.exact(found.matching) })}
        </span>
      )}
      {wrong.map(([count, words]) => (
        <span key={words} className="num inline-flex items-center gap-2 font-medium text-warn">
          <TriangleAlert size={16} strokeWidth={1.75} aria-hidden />
          {text(words, { count })}
        </span>
      ))}
      {wrong.length > 0 && <span className="num text-ink-muted">{text("compare.rest", { rows: format.exact(found.matching) })}</span>}
      {wrong.length > 0 && found.cursor === null && <span className="text-caption text-ink-subtle">{text("compare.noCursor")}</span>}
    </span>
  );
}

const EXAMPLES_SHOWN = 5;

function Examples({ found: { examples } }: { found: Comparison }) {
  const text = useText();
  const [all, setAll] = useState(false);
  const shown = all ? examples : examples.slice(0, EXAMPLES_SHOWN);
  return (
    <ul className="m-0 flex list-none flex-col gap-0.5 p-0">
      {shown.map(({ state, key }) => (
        <li key={`${state} ${key}`} className="flex gap-3">
          <span className="w-20 shrink-0 text-warn">{text(state === "missing" ? "compare.state.missing" : "compare.state.different")}</span>
          <bdi className="font-mono text-code">{key}</bdi>
        </li>
      ))}
      {examples.length > shown.length && (
        <li>
          <Button look="quiet" size="small" onClick={() => setAll(true)}>
            {text("compare.moreExamples", { count: examples.length - shown.length })}
          </Button>
        </li>
      )}
    </ul>
  );
}
