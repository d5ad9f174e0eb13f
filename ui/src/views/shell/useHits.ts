import { useNavigate } from "@tanstack/react-router";
import { Cable, Columns3, type LucideIcon, Play, Plug, Table2 } from "lucide-react";
import { useEffect, useMemo, useState } from "react";
import { useAnswer } from "~/api/client";
import type { SearchHit, SearchTarget } from "~/api/generated";
import type { Command } from "~/shared/commands";
import { useOpenSystem } from "../places";
import { asked } from "./find";

/** As long as somebody goes on typing, nothing is asked. */
const PAUSE_MS = 150;
const HITS_MAX = 20;
const none: readonly SearchHit[] = [];

const icons: Record<SearchTarget["kind"], LucideIcon> = {
  connection: Cable,
  table: Table2,
  column: Columns3,
  system: Plug,
  run: Play,
};

/** Names a hit. Connections and tables have the ids of their commands, so that none is listed twice. */
export function idOf(what: SearchTarget): string {
  switch (what.kind) {
    case "connection":
      return `go:connection:${what.connection}`;
    case "table":
      return `go:table:${what.connection}:${what.table}`;
    case "column":
      return `go:column:${JSON.stringify([what.connection, what.table, what.column])}`;
    case "system":
      return `go:system:${what.side}:${what.name}`;
    case "run":
      return `go:run:${what.run}`;
  }
}

/** What the engine finds by name, as commands that lead there. */
export function useHits(query: string): { found: readonly Command[]; asking: boolean } {
  const open = useOpen();
  const wanted = asked(query);
  const settled = useSettled(wanted, PAUSE_MS);
  const answer = useAnswer("search", { text: settled, limit: HITS_MAX }, { enabled: settled !== "" });
  // Hits of an older query would be wrong; those of the commands are there meanwhile.
  const hits = (settled !== "" && settled === wanted && answer.data) || none;
  const found = useMemo(
    () =>
      hits.map(
        ({ what, title, detail }): Command => ({
          id: idOf(what),
          title,
          detail,
          group: "found",
          icon: icons[what.kind],
          run: () => open(what),
        }),
      ),
    [hits, open],
  );
  return { found, asking: wanted !== "" && (settled !== wanted || answer.isFetching) };
}

function useOpen(): (what: SearchTarget) => void {
  const navigate = useNavigate();
  const openSystem = useOpenSystem();
  return useMemo(() => {
    const to = (name: string, tab: "overview" | "data" | "preview" | "history", search: { table?: string; column?: string; run?: string }) =>
      void navigate({ to: "/connections/$name/$tab", params: { name, tab }, search });
    return (what) => {
      switch (what.kind) {
        case "connection":
          return to(what.connection, "overview", {});
        case "table":
          return to(what.connection, "data", { table: what.table });
        case "column":
          return to(what.connection, "preview", { table: what.table, column: what.column });
        case "system":
          return openSystem(what.side, what.name);
        case "run":
          return to(what.connection, "history", { run: what.run });
      }
    };
  }, [navigate, openSystem]);
}

/** A value once it has stayed the same for a while. */
function useSettled(value: string, ms: number): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}
