import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { EngineError, send } from "~/api/client";
import type { ColumnProfile, SampledPreview } from "~/api/generated";
import { usePlatform } from "~/platform";

/** What was counted of a sample so far. Heads of columns listen to it one by one, so that the grid is not drawn again for
 * each column that is ready. */
export class ProfileStore {
  readonly #profiles = new Map<number, ColumnProfile>();
  readonly #listeners = new Set<() => void>();
  #version = 0;

  /** For the sample of this name. */
  constructor(readonly sample: string) {}

  get(column: number): ColumnProfile | undefined {
    return this.#profiles.get(column);
  }

  all(): readonly ColumnProfile[] {
    return [...this.#profiles.values()];
  }

  add(profiles: readonly ColumnProfile[]): void {
    for (const profile of profiles) this.#profiles.set(profile.column, profile);
    this.#version += 1;
    for (const listener of this.#listeners) listener();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly version = (): number => this.#version;
}

/** The figures of a column, as soon as it was counted. */
export function useProfile(store: ProfileStore, column: number | null): ColumnProfile | undefined {
  return useSyncExternalStore(store.subscribe, () => (column === null ? undefined : store.get(column)));
}

export interface Profiling {
  store: ProfileStore;
  /** How many columns there are. */
  total: number;
  /** Whether the person stopped it. */
  stopped: boolean;
  stop: () => void;
  goOn: () => void;
  /** Why it cannot go on. */
  error: unknown;
  /** Says which columns are on screen: they are counted first. */
  see: (first: number, last: number) => void;
}

/** Columns of one request. The engine answers after a moment with those that are ready. */
const ASKED_AT_ONCE = 24;

/** The columns that are still to be counted, those on screen first. */
export function wantedNext(store: ProfileStore, total: number, [first, last]: readonly [number, number]): number[] {
  const open = Array.from({ length: total }, (_, at) => at).filter((at) => !store.get(at));
  const seen = open.filter((at) => at >= first && at <= last);
  return [...seen, ...open.filter((at) => at < first || at > last)].slice(0, ASKED_AT_ONCE);
}

/** Counts the columns of a sample, a few at a time, until all are done, the person stops it, or leaves.
 * `onGone`: the engine does not keep the sample any more. */
export function useProfiling(preview: SampledPreview, onGone: () => void): Profiling {
  const platform = usePlatform();
  const { sample } = preview;
  const total = preview.columns.length;
  const store = useMemo(() => new ProfileStore(sample), [sample]);
  const [stopped, setStopped] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const seen = useRef<readonly [number, number]>([0, 0]);
  const gone = useRef(onGone);
  useEffect(() => {
    gone.current = onGone;
  });

  useEffect(() => {
    if (stopped) return undefined;
    const leave = new AbortController();
    const count = async () => {
      for (let wanted = wantedNext(store, total, seen.current); wanted.length > 0; wanted = wantedNext(store, total, seen.current)) {
        // One after the other: what is on screen may change in between.
        // oxlint-disable-next-line no-await-in-loop
        const profiles = await send(platform, "preview.profile", { sample: store.sample, columns: wanted }, leave.signal);
        if (leave.signal.aborted || profiles.length === 0) return;
        store.add(profiles);
      }
    };
    count().catch((reason: unknown) => {
      if (leave.signal.aborted) return;
      if (reason instanceof EngineError && reason.fault.code === "not_found") gone.current();
      else setError(reason);
    });
    return () => leave.abort();
  }, [platform, store, total, stopped]);

  return useMemo(
    () => ({
      store,
      total,
      stopped,
      error,
      stop: () => setStopped(true),
      goOn: () => {
        setError(null);
        setStopped(false);
      },
      see: (first, last) => {
        seen.current = [first, last];
      },
    }),
    [store, total, stopped, error],
  );
}
