import { useEffect, useState } from "react";
import { useAction } from "~/api/client";
import type { ColumnPreview } from "~/api/generated";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Button } from "~/shared/ui/Button";
import { Problem } from "~/shared/ui/Problem";
import { useProgress } from "./useSample";

const WORDS_AFTER_MS = 150;
const SLOW_AFTER_MS = 2_000;
const ROWS_DRAWN = 12;
const COLUMNS_DRAWN = 20;
const COLUMNS_UNKNOWN = 5;

interface ReadingSampleProps {
  ticket: string;
  /** The columns of the table, where they are known. */
  columns: readonly ColumnPreview[] | undefined;
  onCancel: () => void;
}

/** While a sample is read: the shape of the grid, how many rows are here, and the ways out. Nothing at first, because most
 * samples are here at once. */
export function ReadingSample({ ticket, columns, onCancel }: ReadingSampleProps) {
  const text = useText();
  const waited = useWaited();
  const progress = useProgress(ticket);
  const enough = useAction("preview.enough");
  const [had, setHad] = useState(false);
  if (waited === "moment") return <div aria-busy className="flex-1" />;
  const slow = waited === "long";
  const take = async () => {
    setHad(true);
    const answer = await enough.run({ ticket });
    if (answer === undefined) setHad(false);
  };
  return (
    <div aria-busy className="flex min-h-0 flex-1 flex-col overflow-hidden">
      <div className="flex min-h-11 shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b border-border px-4 py-2 text-ink-muted">
        <HowFar slow={slow} rows={progress?.rows ?? 0} millis={progress?.millis ?? 0} />
        {slow && progress !== null && progress.rows > 0 && (
          <Button size="small" disabled={had} onClick={() => void take()}>
            {text("preview.enough")}
          </Button>
        )}
        <Button size="small" look="quiet" onClick={onCancel}>
          {text("common.cancel")}
        </Button>
      </div>
      {enough.error !== null && <Problem error={enough.error} className="m-4" />}
      <Skeleton columns={columns} />
    </div>
  );
}

function HowFar({ slow, rows, millis }: { slow: boolean; rows: number; millis: number }) {
  const text = useText();
  const format = useFormat();
  const count = { count: rows, rows: format.exact(rows) };
  if (!slow) return <span role="status" className="num">{text(rows > 0 ? "preview.readingRows" : "preview.loading", count)}</span>;
  if (rows === 0) return <span role="status">{text("preview.slowNone")}</span>;
  const rate = Math.max(1, Math.round((rows * 1000) / Math.max(1, millis)));
  return (
    <>
      <span role="status" className="num">{text("preview.slow", { count: rate, rate: format.exact(rate) })}</span>
      <span className="num">{text("preview.arrived", count)}</span>
    </>
  );
}

/** What the grid will look like, with its real columns where they are known. */
function Skeleton({ columns }: Pick<ReadingSampleProps, "columns">) {
  const heads = columns?.slice(0, COLUMNS_DRAWN).map(({ source, source_type: type }) => ({ key: source, name: source, type })) ??
    Array.from({ length: COLUMNS_UNKNOWN }, (_, at) => ({ key: String(at), name: "", type: "" }));
  return (
    <div aria-hidden className="flex min-h-0 flex-1 overflow-hidden">
      {heads.map(({ key, name, type }) => (
        <div key={key} className="w-40 shrink-0">
          <div className="flex h-[68px] flex-col justify-center border-b border-border px-3 text-caption font-medium">
            <bdi className="truncate">{name}</bdi>
            <span className="truncate font-normal text-ink-subtle">{type}</span>
          </div>
          {Array.from({ length: ROWS_DRAWN }, (_, row) => (
            <div key={row} className="flex h-7 items-center border-b border-border px-3">
              <div className={`shimmer h-3 rounded-input bg-sunken ${row % 3 === 1 ? "w-2/5" : "w-3/5"}`} />
            </div>
          ))}
        </div>
      ))}
    </div>
  );
}

function useWaited(): "moment" | "while" | "long" {
  const [waited, setWaited] = useState<"moment" | "while" | "long">("moment");
  useEffect(() => {
    const timers = [setTimeout(() => setWaited("while"), WORDS_AFTER_MS), setTimeout(() => setWaited("long"), SLOW_AFTER_MS)];
    return () => timers.forEach(clearTimeout);
  }, []);
  return waited;
}
