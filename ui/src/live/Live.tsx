import { useEffect } from "react";
import { useInvalidate } from "~/api/client";
import type { ServerEvent } from "~/api/generated";
import { usePlatform } from "~/platform";
import { useChecks } from "./checks";
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
        switch (event.event) {
          case "changed":
            return invalidate(event.tags);
          case "run":
            return useLiveRuns.getState().hear(event.run, event.connection, event.what);
          case "check_step":
            return useChecks.getState().hear(event.check, event.step);
        }
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
