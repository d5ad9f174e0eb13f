import { useAnswer } from "~/api/client";

const CONNECTOR = "sample";

/** Whether something of the sample is there that could be removed. */
export function useHasSample(): boolean {
  const connections = useAnswer("connections.list", null).data;
  const systems = useAnswer("systems.list", null).data;
  return (
    (connections?.some(({ source }) => source.connector === CONNECTOR) ?? false) ||
    (systems?.some(({ connector }) => connector === CONNECTOR) ?? false)
  );
}
