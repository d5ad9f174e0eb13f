import { useMemo } from "react";
import { type RequestOf, useAction } from "~/api/client";
import type { VersionChanged, VersionsMoved } from "~/api/generated";
import { useText } from "~/shared/text";
import { toast } from "~/shared/ui/toast";

export interface Move {
  /** Whether it worked. */
  upgrade: (request: RequestOf<"connectors.upgrade">) => Promise<boolean>;
  rollBack: (request: RequestOf<"connectors.roll_back">) => Promise<boolean>;
  pending: boolean;
  error: unknown;
}

/** Puts what uses a connector on another version, each time with the way to take that back. */
export function useMove(connector: string): Move {
  const text = useText();
  const upgrade = useAction("connectors.upgrade");
  const back = useAction("connectors.roll_back");
  const undo = useAction("connectors.put_back");
  return useMemo(() => {
    const said = (changed: readonly VersionChanged[]) => ({
      count: changed.length,
      names: changed.map(({ name }) => name).join(", "),
      version: [...new Set(changed.map(({ version }) => version))].join(", "),
    });
    const takeBack = async ({ before }: VersionsMoved) => {
      const changed = await undo.run({ connector, places: before });
      // Somebody may be elsewhere by now, where the error of this view is not seen.
      if (changed === undefined) toast({ look: "failed", title: text("versions.notPutBack"), detail: text("versions.notPutBackMeaning") });
      else toast({ title: text("versions.putBack", said(changed)) });
    };
    const tell = (moved: VersionsMoved | undefined, detail?: string) => {
      if (moved === undefined) return false;
      const action = { label: text("common.undo"), run: () => void takeBack(moved) };
      toast({ title: text("versions.moved", said(moved.changed)), action, ...(detail !== undefined && { detail }) });
      return true;
    };
    return {
      upgrade: async (request) => tell(await upgrade.run(request), text("versions.movedMeaning")),
      rollBack: async (request) => tell(await back.run(request)),
      pending: upgrade.pending || back.pending || undo.pending,
      error: upgrade.error ?? back.error ?? undo.error,
    };
  }, [text, connector, upgrade, back, undo]);
}
