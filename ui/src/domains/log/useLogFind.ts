import { useCallback, useEffect, useRef, useState } from "react";
import { send } from "~/api/client";
import type { LogFound, LogMatch } from "~/api/generated";
import { usePlatform } from "~/platform";
import { type LogFilter, type LogSearch, linesOf } from "./model";

/** So long after the last key a search begins: it may go through a gigabyte. */
const TYPING_MS = 250;

interface Way {
  /** The number of the line from which on is searched. */
  near: number;
  backwards: boolean;
}

export interface LogFind {
  found: LogFound | null;
  error: unknown;
  searching: boolean;
  /** Goes to the next match, or to the last one before. */
  step: (backwards: boolean) => void;
  /** Goes to the next error after the line, at the end to the first one. */
  nextError: (after: number) => void;
}

/** Searches a log as far as its end and on from its beginning, and goes to what is found. */
export function useLogFind(filter: LogFilter, { text, expression }: LogSearch, from: number, show: (hit: LogMatch) => void): LogFind {
  const platform = usePlatform();
  const [state, setState] = useState<{ found: LogFound | null; error: unknown; searching: boolean }>(idle);
  const running = useRef<AbortController>(null);
  const shown = useRef({ from, show });
  useEffect(() => {
    shown.current = { from, show };
  });

  const ask = useCallback(
    async (way: Way, what: "text" | "error") => {
      running.current?.abort();
      const control = new AbortController();
      running.current = control;
      if (what === "text") setState((before) => ({ ...before, error: null, searching: true }));
      const lines = linesOf(filter);
      try {
        const found = await send(
          platform,
          "run.log.find",
          { lines, search: what === "text" ? { text, expression } : null, errors: what === "error", ...way },
          control.signal,
        );
        if (control.signal.aborted) return;
        if (what === "text") setState({ found, error: null, searching: false });
        if (found.hit) shown.current.show(found.hit);
      } catch (error) {
        if (!control.signal.aborted) setState({ found: null, error, searching: false });
      }
    },
    [platform, filter, text, expression],
  );

  useEffect(() => {
    if (text === "") {
      running.current?.abort();
      return undefined;
    }
    const timer = setTimeout(() => void ask({ near: shown.current.from, backwards: false }, "text"), TYPING_MS);
    return () => clearTimeout(timer);
  }, [ask, text]);
  useEffect(() => () => running.current?.abort(), []);

  // What was found for an earlier text says nothing about none.
  const shownState = text === "" ? idle : state;
  const hit = shownState.found?.hit ?? null;
  const step = useCallback(
    (backwards: boolean) => {
      if (hit) void ask({ near: backwards ? hit.n : hit.n + 1, backwards }, "text");
    },
    [ask, hit],
  );
  const nextError = useCallback((after: number) => void ask({ near: after + 1, backwards: false }, "error"), [ask]);
  return { ...shownState, step, nextError };
}

const idle = { found: null, error: null, searching: false };
