import { useEffect, useRef, useState } from "react";
import { type RequestOf, send } from "~/api/client";
import type { CheckOutcome, CheckStep } from "~/api/generated";
import { useChecks } from "~/live/checks";
import { usePlatform } from "~/platform";
import type { Values } from "./form";

interface SystemCheck {
  /** Of this test; steps are heard under it. */
  id: string;
  steps: readonly CheckStep[];
  /** About the settings that were tested; null as soon as they differ from those on screen. */
  outcome: CheckOutcome | null;
  pending: boolean;
  error: unknown;
  run: (request: Omit<RequestOf<"systems.check">, "check">) => Promise<void>;
  cancel: () => void;
}

interface Tested {
  values: Values;
  outcome: CheckOutcome;
  steps: readonly CheckStep[];
}

const none: readonly CheckStep[] = [];

/** The live test of settings: steps as they end, then all of them as the engine answered. Leaving ends it. */
export function useSystemCheck(values: Values): SystemCheck {
  const platform = usePlatform();
  const [id] = useState(() => crypto.randomUUID());
  const heard = useChecks((checks) => checks.steps[id]) ?? none;
  const [tested, setTested] = useState<Tested | null>(null);
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const running = useRef<AbortController | null>(null);
  useEffect(
    () => () => {
      running.current?.abort();
      useChecks.getState().forget(id);
    },
    [id],
  );

  const cancel = () => {
    running.current?.abort();
    running.current = null;
    useChecks.getState().forget(id);
    setPending(false);
  };
  const run: SystemCheck["run"] = async (request) => {
    cancel();
    const own = new AbortController();
    running.current = own;
    setTested(null);
    setError(null);
    setPending(true);
    try {
      const answer = await send(platform, "systems.check", { check: id, ...request }, own.signal);
      // Events can be lost with the link; the answer has every step.
      if (!own.signal.aborted) setTested({ values, ...answer });
    } catch (reason) {
      if (!own.signal.aborted) setError(reason);
    }
    if (!own.signal.aborted) setPending(false);
  };
  return { id, steps: tested?.steps ?? heard, outcome: tested?.values === values ? tested.outcome : null, pending, error, run, cancel };
}
