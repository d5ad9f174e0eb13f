import clsx from "clsx";
import { ChevronLeft, ChevronRight, FlaskConical, Send } from "lucide-react";
import { useCallback, useMemo, useState } from "react";
import type { Exchange, TrialResult } from "~/api/generated";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Button, IconButton } from "~/shared/ui/Button";
import { Code } from "~/shared/ui/Code";
import { Empty, Progress } from "~/shared/ui/feedback";
import { Checkbox } from "~/shared/ui/Field";
import { Grid, type GridColumn } from "~/shared/ui/Grid";
import { Tabs } from "~/shared/ui/Tabs";
import { Columns } from "./Columns";
import { pagingEdits, rowsEdits } from "./findings";
import type { Json } from "./json";
import { KEY, type Manifest, newerEdits, type Table } from "./manifest";
import { asWay } from "./paging";
import { ResponseTree } from "./ResponseTree";
import { useBuilder } from "./store";
import { formatIn } from "./times";

interface LiveTestProps {
  manifest: Manifest;
  table: Table | null;
  pending: boolean;
  replay: boolean;
  onReplay: (replay: boolean) => void;
  onSend: (twice: boolean) => void;
}

type View = "response" | "rows" | "lands" | "schema";

/** What the API answers to the table in the form, and what it means. */
export function LiveTest({ manifest, table, pending, replay, onReplay, onSend }: LiveTestProps) {
  const text = useText();
  const result = useBuilder(({ trials }) => (table ? trials[table.name] : undefined));
  const canProve = table !== null && table.newer !== null && table.newer !== "custom";
  return (
    <section aria-label={text("builder.test")} data-region tabIndex={-1} className="flex min-h-0 min-w-0 flex-1 flex-col outline-none">
      <div className="flex min-h-12 flex-wrap items-center gap-2 border-b border-border px-3 py-2">
        <Button look="primary" icon={Send} shortcut="mod+enter" disabled={pending || !table} onClick={() => onSend(false)}>
          {text(pending ? "builder.sending" : "builder.send")}
        </Button>
        {canProve && (
          <Button icon={FlaskConical} disabled={pending} onClick={() => onSend(true)}>
            {text("builder.prove")}
          </Button>
        )}
        <span title={text("builder.replayHelp")} className="ml-auto">
          <Checkbox label={text("builder.replay")} checked={replay} onValue={onReplay} />
        </span>
      </div>
      {pending && <Progress label={text("builder.sending")} />}
      {table && <Shown key={table.name} manifest={manifest} table={table} result={result} />}
    </section>
  );
}

function Shown({ manifest, table, result }: { manifest: Manifest; table: Table; result: TrialResult | undefined }) {
  const text = useText();
  const sample = useBuilder(({ working }) => working?.sample ?? null);
  const [view, setView] = useState<View>("response");
  const [at, setAt] = useState(0);
  if (!result && sample === null) return <Empty icon={Send} sentence={text("builder.testEmpty")} />;
  const exchanges = result?.exchanges ?? [];
  const index = Math.min(at, Math.max(0, exchanges.length - 1));
  const exchange = exchanges[index];
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      {exchange && result ? <Status exchange={exchange} result={result} /> : <p className="m-0 border-b border-border px-3 py-2 text-ink-muted">{text("builder.sample")}</p>}
      <Tabs
        label={text("builder.tabs")}
        tabs={[
          { value: "response", label: text("builder.tab.response") },
          { value: "rows", label: text("builder.tab.rows"), count: result?.row_count },
          { value: "lands", label: text("builder.tab.lands") },
          { value: "schema", label: text("builder.tab.schema") },
        ]}
        value={view}
        onValue={(next: View) => setView(next)}
      >
        {view === "response" && <Response key={`${index}:${exchange?.answer.length ?? 0}`} manifest={manifest} table={table} exchange={exchange} text={exchange?.answer ?? sample ?? ""} />}
        {view === "rows" && <Rows result={result} table={table} />}
        {view === "lands" && <Columns result={result} table={table} />}
        {view === "schema" && (
          <div className="flex min-h-0 flex-1 flex-col gap-2 overflow-auto p-3">
            <p className="m-0 text-ink-muted">{text("builder.schemaText")}</p>
            <Code>{JSON.stringify(result?.schema ?? {}, null, 2)}</Code>
          </div>
        )}
      </Tabs>
      {exchanges.length > 1 && view === "response" && <Pager at={index} exchanges={exchanges} onAt={setAt} />}
    </div>
  );
}

function Status({ exchange, result }: { exchange: Exchange; result: TrialResult }) {
  const text = useText();
  const format = useFormat();
  const [open, setOpen] = useState(false);
  const bad = exchange.status === 0 || exchange.status >= 400;
  return (
    <div className="flex flex-col gap-1 border-b border-border px-3 py-2">
      <bdi className="truncate font-mono text-code" title={exchange.url}>
        {exchange.method} {exchange.url}
      </bdi>
      <div role="status" className="num flex flex-wrap items-center gap-x-3 text-ink-muted">
        <span className={clsx("font-medium", bad ? "text-bad" : "text-ok")}>
          {exchange.status === 0 ? text("builder.noAnswer") : text("builder.status", { status: exchange.status, duration: format.duration(exchange.duration_ms) })}
        </span>
        {exchange.rows !== null && <span>{text("builder.rowCount", { count: exchange.rows })}</span>}
        {exchange.second && <span>{text("builder.second")}</span>}
        {exchange.limits.slice(0, 3).map(([name, value]) => (
          <span key={name}>{text("builder.left", { name, value })}</span>
        ))}
        {result.limited && <span>{text("builder.stopped", { pages: result.exchanges.length })}</span>}
        {result.replayed && <span>{text("builder.replayed")}</span>}
        {result.recording_ends && <span className="text-warn">{text("builder.recordingEnds")}</span>}
        <Button look="quiet" size="small" aria-expanded={open} onClick={() => setOpen(!open)}>
          {text("builder.request")}
        </Button>
      </div>
      {open && <Code>{[`${exchange.method} ${exchange.url}`, ...exchange.headers.map(([name, value]) => `${name}: ${value}`), ...(exchange.body === null ? [] : ["", exchange.body])].join("\n")}</Code>}
    </div>
  );
}

function Response({ manifest, table, exchange, text: written }: { manifest: Manifest; table: Table; exchange: Exchange | undefined; text: string }) {
  const text = useText();
  const apply = useBuilder((builder) => builder.apply);
  const value = useMemo(() => parsed(written), [written]);
  if (value === undefined) {
    return (
      <div className="flex min-h-0 flex-1 flex-col gap-2 overflow-auto p-3">
        {written !== "" && <p className="m-0 text-ink-muted">{text("builder.notJson")}</p>}
        <Code>{written.slice(0, 20_000)}</Code>
      </div>
    );
  }
  const { rows, key, newer } = table;
  return (
    <>
      {exchange?.cut && <p className="m-0 px-3 pt-2 text-ink-muted">{text("builder.cut")}</p>}
      <ResponseTree
        value={value}
        rows={rows === "custom" ? null : rows}
        keyFields={key === "custom" ? [] : key}
        timeField={newer === "custom" || newer === null ? null : newer.field}
        onRows={(path) => apply(rowsEdits(table, path))}
        onKey={(field) => apply([{ path: [...table.path, ...KEY], value: [field] }])}
        onTime={(field) => {
          const parameter = newer !== "custom" && newer !== null ? newer.parameter : "";
          apply(newerEdits(manifest, table, { field, format: formatIn(value, rows === "custom" ? [] : rows, field), parameter }));
        }}
        onNext={(place, link) => {
          const way = asWay(link ? "link" : "cursor", table.paging);
          apply(pagingEdits(table, "place" in way ? { ...way, place } : way));
        }}
      />
    </>
  );
}

function parsed(written: string): Json | undefined {
  try {
    return JSON.parse(written) as Json;
  } catch {
    return undefined;
  }
}

function Pager({ at, exchanges, onAt }: { at: number; exchanges: readonly Exchange[]; onAt: (at: number) => void }) {
  const text = useText();
  return (
    <div role="group" aria-label={text("builder.page")} className="flex h-10 shrink-0 items-center gap-1 border-t border-border px-3">
      <IconButton icon={ChevronLeft} label={text("builder.pagePrevious")} disabled={at === 0} onClick={() => onAt(at - 1)} />
      {exchanges.map((exchange, index) => (
        <button
          // Answers are their position.
          // oxlint-disable-next-line react/no-array-index-key
          key={index}
          type="button"
          aria-label={text("builder.pageOf", { page: index + 1, pages: exchanges.length })}
          aria-pressed={index === at}
          onClick={() => onAt(index)}
          className={clsx("num h-7 min-w-7 rounded-control border-0 bg-transparent px-2 hover:bg-sunken aria-pressed:bg-accent-soft aria-pressed:text-accent", exchange.status >= 400 ? "text-bad" : "text-ink-muted")}
        >
          {index + 1}
        </button>
      ))}
      <IconButton icon={ChevronRight} label={text("builder.pageNext")} disabled={at === exchanges.length - 1} onClick={() => onAt(at + 1)} />
    </div>
  );
}

const NARROW_PX = 96;
const WIDE_PX = 240;

function Rows({ result, table }: { result: TrialResult | undefined; table: Table }) {
  const text = useText();
  const columns = useMemo<GridColumn[]>(
    () =>
      (result?.columns ?? []).map(({ name, seen }, index) => {
        const longest = Math.max(name.length, ...(result?.rows.slice(0, 30) ?? []).map((row) => row[index]?.length ?? 0));
        const numeric = seen.every(([kind]) => kind === "integer" || kind === "number" || kind === "null");
        return { id: name, header: <bdi className="truncate">{name}</bdi>, width: Math.min(WIDE_PX, Math.max(NARROW_PX, longest * 8 + 24)), align: numeric ? "right" : undefined };
      }),
    [result],
  );
  const cell = useCallback((row: number, column: number) => result?.rows[row]?.[column], [result]);
  if (!result || result.rows.length === 0) return <Empty sentence={text("builder.rowsEmpty")} />;
  return (
    <>
      {result.row_count > result.rows.length && (
        <p className="m-0 px-3 py-2 text-ink-muted">{text("builder.rowsShown", { shown: result.rows.length, count: result.row_count })}</p>
      )}
      <Grid label={`${text("builder.tab.rows")} ${table.name}`} columns={columns} rowCount={result.rows.length} cell={cell} nullWord={text("common.null")} />
    </>
  );
}
