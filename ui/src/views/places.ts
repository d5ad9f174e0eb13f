import { useRouter } from "@tanstack/react-router";
import { useCallback } from "react";
import type { Side } from "~/api/generated";

/** Opens the settings of a source or destination. */
export function useOpenSystem(): (side: Side, name: string) => void {
  const { history } = useRouter();
  return useCallback((side, name) => history.push(`/systems/${side}/${encodeURIComponent(name)}`), [history]);
}
