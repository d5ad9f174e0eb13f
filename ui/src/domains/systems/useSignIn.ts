import { useCallback, useEffect, useRef, useState } from "react";
import { type RequestOf, send } from "~/api/client";
import type { SignInOutcome, SignInStarted } from "~/api/generated";
import { usePlatform } from "~/platform";

type Begin = RequestOf<"sign_in.begin">;

export interface SignIn {
  /** While the browser is waited for, and afterwards. */
  started: SignInStarted | null;
  outcome: SignInOutcome | null;
  pending: boolean;
  error: unknown;
  /** The id to test and save with, once somebody has signed in. */
  id: string | null;
  begin: (request: Begin) => Promise<void>;
  openAgain: () => void;
  enterCode: (code: string) => Promise<void>;
  cancel: () => void;
}

/** Signing in with the browser. What it brings stays in the engine; here is only how it goes. */
export function useSignIn(): SignIn {
  const platform = usePlatform();
  const [started, setStarted] = useState<SignInStarted | null>(null);
  const [outcome, setOutcome] = useState<SignInOutcome | null>(null);
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const waiting = useRef<AbortController | null>(null);
  const current = useRef<string | null>(null);

  const forget = useCallback(() => {
    waiting.current?.abort();
    waiting.current = null;
    const id = current.current;
    current.current = null;
    if (id !== null) void send(platform, "sign_in.cancel", { id }).catch(() => undefined);
  }, [platform]);
  // Whoever leaves without saving takes nothing along.
  useEffect(() => forget, [forget]);

  const cancel = useCallback(() => {
    forget();
    setStarted(null);
    setOutcome(null);
    setError(null);
    setPending(false);
  }, [forget]);

  const begin = async (request: Begin) => {
    cancel();
    const own = new AbortController();
    waiting.current = own;
    setPending(true);
    try {
      const begun = await send(platform, "sign_in.begin", request, own.signal);
      current.current = begun.id;
      setStarted(begun);
      platform.openExternal(begun.url);
      const ended = await send(platform, "sign_in.wait", { id: begun.id }, own.signal);
      if (own.signal.aborted) return;
      setOutcome(ended);
      platform.native?.toFront();
    } catch (reason) {
      if (!own.signal.aborted) setError(reason);
    }
    if (!own.signal.aborted) setPending(false);
  };
  const enterCode = async (code: string) => {
    if (started === null) return;
    setError(null);
    try {
      await send(platform, "sign_in.code", { id: started.id, code });
    } catch (reason) {
      setError(reason);
    }
  };
  return {
    started,
    outcome,
    pending,
    error,
    id: outcome?.how === "done" ? (started?.id ?? null) : null,
    begin,
    openAgain: () => started && platform.openExternal(started.url),
    enterCode,
    cancel,
  };
}
