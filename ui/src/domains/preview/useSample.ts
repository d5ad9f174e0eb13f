import { useQueryClient, type UseQueryResult } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { send, useAnswer } from "~/api/client";
import type { ColumnPreview, SampledPreview, SamplePicks, SampleProgress } from "~/api/generated";
import { usePlatform } from "~/platform";
import { carriedOver, type Choice, firstRows, onlyFirst, type Picked, requestOf } from "./picks";

/** What an earlier sample of a table told of it, whichever rows that had. */
type Known = Pick<SampledPreview, "sample" | "picks" | "columns">;

export interface SampleReading {
  answer: UseQueryResult<SampledPreview>;
  /** What this reading is called by. */
  ticket: string;
  /** The person stopped the reading, and nothing is shown. */
  cancelled: boolean;
  cancel: () => void;
  /** The columns of the table, where they are known from before. */
  columns: readonly ColumnPreview[] | undefined;
  picks: SamplePicks;
  /** Which rows are looked at. */
  picked: Picked;
  /** What the menu says: a condition is chosen before it is written. */
  choice: Choice;
  choose: (choice: Choice) => void;
  /** Looks at the rows of a condition. */
  apply: (condition: string) => void;
  /** Gives the condition up. */
  leave: () => void;
}

/** Of this page, so that readings of two windows are told apart. */
const page = Math.random().toString(36).slice(2);

/** A sample of a table: which rows, reading them, and giving up on it. */
export function useSample(connection: string, table: string | undefined): SampleReading {
  const queries = useQueryClient();
  const [known, setKnown] = useState<Readonly<Record<string, Known>>>({});
  const [picked, setPicked] = useState<Picked>(firstRows);
  const [asking, setAsking] = useState(false);
  const before = table === undefined ? undefined : known[table];
  // Tables of one source can mostly do the same.
  const picks = (before ?? Object.values(known).at(-1))?.picks ?? onlyFirst;

  const [of, setOf] = useState(table);
  const present = of === table ? picked : carriedOver(picked, picks);
  if (of !== table) {
    setOf(table);
    setPicked(present);
    setAsking(false);
  }

  const { rows, pick } = requestOf(present);
  // The same for the same rows: a request is known by all that is in it.
  const ticket = JSON.stringify([page, connection, table, rows, pick]);
  const request = { connection, table: table ?? "", rows, pick, ticket };
  const answer = useAnswer("preview", request, { enabled: table !== undefined });
  const { data } = answer;
  if (data && table !== undefined && before?.sample !== data.sample) {
    setKnown({ ...known, [table]: { sample: data.sample, picks: data.picks, columns: data.columns } });
  }

  return {
    answer,
    ticket,
    cancelled: table !== undefined && answer.isPending && answer.fetchStatus === "idle",
    cancel: () => void queries.cancelQueries({ queryKey: ["preview", request] }),
    columns: before?.columns,
    picks,
    picked: present,
    choice: asking ? "where" : present.choice,
    choose: (choice) => {
      setAsking(choice === "where");
      if (choice !== "where") setPicked({ choice });
    },
    apply: (condition) => setPicked({ choice: "where", condition }),
    leave: () => {
      setAsking(false);
      if (present.choice === "where") setPicked(firstRows);
    },
  };
}

const PROGRESS_EVERY_MS = 500;

/** How far a reading is, asked for as long as somebody looks. */
export function useProgress(ticket: string): SampleProgress | null {
  const platform = usePlatform();
  const [progress, setProgress] = useState<SampleProgress | null>(null);
  useEffect(() => {
    const leave = new AbortController();
    let asked = false;
    const ask = async () => {
      if (asked) return;
      asked = true;
      // What the reading itself says is shown; that nothing is known of its progress is not worth a word.
      const answer = await send(platform, "preview.progress", { ticket }, leave.signal).catch(() => null);
      asked = false;
      if (answer && !leave.signal.aborted) setProgress(answer);
    };
    const timer = setInterval(() => void ask(), PROGRESS_EVERY_MS);
    return () => {
      clearInterval(timer);
      leave.abort();
    };
  }, [platform, ticket]);
  return progress;
}
