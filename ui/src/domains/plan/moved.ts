import { useCallback, useEffect, useState } from "react";
import { send } from "~/api/client";
import type { Plan, PlanRequest } from "~/api/generated";
import { usePlatform } from "~/platform";

/** How often it is asked whether a plan on screen still holds. */
const LOOK_MS = 30_000;

/** The tables of which a newer plan says something else; null when it is the same plan. */
export function movedTables(shown: Plan, now: Plan): readonly string[] | null {
  if (shown.fingerprint === now.fingerprint) return null;
  const before = new Map(shown.tables.map((table) => [table.table, JSON.stringify(table)]));
  return now.tables.filter((table) => before.get(table.table) !== JSON.stringify(table)).map(({ table }) => table);
}

export interface Moved {
  /** The tables that changed behind the back of the plan; null while it holds, as far as is known. */
  moved: readonly string[] | null;
  /** Asks now. Resolves with whether the plan still holds. */
  look: () => Promise<boolean>;
}

/** Watches whether the plan that `request` asked for still holds: when somebody comes back to the window, now and then, and before it is applied.
 * The engine has the last word all the same; it refuses a plan that does not hold. */
export function useMoved(plan: Plan | undefined, request: PlanRequest): Moved {
  const platform = usePlatform();
  const [found, setFound] = useState<{ plan: Plan; moved: readonly string[] } | null>(null);
  const look = useCallback(async () => {
    if (!plan) return false;
    const now = await send(platform, "plan.make", request);
    const moved = movedTables(plan, now);
    setFound(moved === null ? null : { plan, moved });
    return moved === null;
  }, [platform, plan, request]);
  useEffect(() => {
    // Whether it holds is not known when it cannot be asked; applying will tell.
    const quietly = () => void (document.visibilityState === "visible" && look().catch(() => undefined));
    const timer = setInterval(quietly, LOOK_MS);
    window.addEventListener("focus", quietly);
    return () => {
      clearInterval(timer);
      window.removeEventListener("focus", quietly);
    };
  }, [look]);
  return { moved: found !== null && found.plan === plan ? found.moved : null, look };
}
