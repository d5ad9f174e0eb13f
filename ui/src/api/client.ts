import { keepPreviousData, useQuery, type UseQueryResult, useQueryClient } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";
import { type Platform, usePlatform } from "~/platform";
import type { FaultShape } from "~/shared/ui/Fault";
import { type ApiError, type CacheTag, type Requests, requestTags } from "./generated";

export type RequestName = keyof Requests;
export type RequestOf<Name extends RequestName> = Requests[Name]["request"];
export type ResponseOf<Name extends RequestName> = Requests[Name]["response"];

/** The engine said no, in words for people. */
export class EngineError extends Error {
  override name = "EngineError";
  constructor(readonly fault: ApiError) {
    super(fault.message);
  }
}

/** Sends one typed request. The types are generated from the engine, so its answer is taken at its word. */
export async function send<Name extends RequestName>(
  platform: Platform,
  name: Name,
  request: RequestOf<Name>,
  signal?: AbortSignal,
): Promise<ResponseOf<Name>> {
  const answer = await platform.call(name, request, signal);
  if (!answer.ok) throw new EngineError(answer.error as ApiError);
  return answer.value as ResponseOf<Name>;
}

interface QueryOptions {
  enabled?: boolean;
  /** Whether an older answer is shown while the new one is fetched. */
  keep?: boolean;
  /** Whether the answer is forgotten with the screen that asked, because it only holds for the moment. */
  forget?: boolean;
  /** Asks again after so many milliseconds: for what grows without an event that says so. */
  every?: number;
}

/** Asks the engine and keeps the answer until an event says that it is out of date. */
export function useAnswer<Name extends RequestName>(
  name: Name,
  request: RequestOf<Name>,
  { enabled = true, keep = false, forget = false, every }: QueryOptions = {},
): UseQueryResult<ResponseOf<Name>> {
  const platform = usePlatform();
  return useQuery<ResponseOf<Name>, Error, ResponseOf<Name>, readonly [Name, RequestOf<Name>]>({
    queryKey: [name, request],
    queryFn: ({ signal }) => send(platform, name, request, signal),
    enabled,
    ...(keep && { placeholderData: keepPreviousData }),
    ...(forget && { gcTime: 0 }),
    ...(every !== undefined && { refetchInterval: every }),
  });
}

export interface Action<Name extends RequestName> {
  /** Resolves with the answer, or with undefined when it failed; the fault is then in `error`. */
  run: (request: RequestOf<Name>) => Promise<ResponseOf<Name> | undefined>;
  pending: boolean;
  error: unknown;
  clear: () => void;
}

/** A request that changes something. Not a query library's mutation, because that would keep what was sent, and what
 * is sent here may be a password. */
export function useAction<Name extends RequestName>(name: Name): Action<Name> {
  const platform = usePlatform();
  const invalidate = useInvalidate();
  const [state, setState] = useState<{ pending: boolean; error: unknown }>({ pending: false, error: null });
  const run = useCallback(
    async (request: RequestOf<Name>) => {
      setState({ pending: true, error: null });
      try {
        const answer = await send(platform, name, request);
        setState({ pending: false, error: null });
        invalidate(requestTags[name].invalidates);
        return answer;
      } catch (error) {
        setState({ pending: false, error });
        return undefined;
      }
    },
    [platform, name, invalidate],
  );
  const clear = useCallback(() => setState({ pending: false, error: null }), []);
  return useMemo(() => ({ run, clear, ...state }), [run, clear, state]);
}

export function useInvalidate(): (tags: readonly CacheTag[]) => void {
  const queries = useQueryClient();
  return useCallback(
    (tags) => {
      if (tags.length === 0) return;
      void queries.invalidateQueries({
        predicate: ({ queryKey }) => {
          const tagged = requestTags[queryKey[0] as RequestName];
          return tagged.provides.some((tag) => tags.includes(tag));
        },
      });
    },
    [queries],
  );
}

/** What the engine said, as people read it; null for errors that did not come from it. */
export function faultOf(error: unknown): FaultShape | null {
  if (!(error instanceof EngineError)) return null;
  const { code, message, meaning, fix, detail, side } = error.fault;
  return { code, message, meaning, fixes: fix, details: detail, side };
}
