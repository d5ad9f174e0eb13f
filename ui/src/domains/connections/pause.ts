import { useCallback, useMemo } from "react";
import { useAction } from "~/api/client";
import { useText } from "~/shared/text";
import { toast } from "~/shared/ui/toast";

export interface Pause {
  /** Pauses a connection, or lets it go on. Both can be undone. */
  set: (name: string, paused: boolean) => Promise<void>;
  pending: boolean;
  /** Why the last one was refused; to be shown where it was asked for. */
  error: unknown;
}

export function usePause(): Pause {
  const text = useText();
  const { run, pending, error } = useAction("connections.pause");
  const set = useCallback(
    async function change(name: string, paused: boolean): Promise<void> {
      if ((await run({ connection: name, paused })) === undefined) return;
      toast({
        title: text(paused ? "connections.pausedNow" : "connections.resumedNow", { name }),
        action: { label: text("common.undo"), run: () => void change(name, !paused) },
      });
    },
    [run, text],
  );
  return useMemo(() => ({ set, pending, error }), [set, pending, error]);
}
