import { useEffect } from "react";
import { useInvalidate } from "~/api/client";
import type { ServerEvent } from "~/api/generated";
import { usePlatform } from "~/platform";
import { useLink } from "./link";
import { useLiveRuns } from "./runs";
import { useQueryClient } from "@tanstack/react-query";

/** Hears the engine: progress goes to the live store, "this changed" goes to the cache. */
export function Live() {
  const platform = usePlatform();
  const invalidate = useInvalidate();
  const queries = useQueryClient();
  useEffect(() => {
    let before = useLink.getState().state;
    return platform.listen(
      (raw) => {
        // The types are generated from the engine; see `send`.
        const event = raw as ServerEvent;
        if (event.event === "changed") invalidate(event.tags);
        else useLiveRuns.getState().hear(event.run, event.connection, event.what);
      },
      (state) => {
        useLink.setState({ state });
        // What was said while nobody listened is lost: everything is asked again.
        if (state === "up" && before === "lost") void queries.invalidateQueries();
        before = state;
      },
    );
  }, [platform, invalidate, queries]);
  return null;
}
