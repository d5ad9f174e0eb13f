import type { Failure } from "~/api/generated";
import type { FaultShape } from "~/shared/ui/Fault";

/** A failure of a run or of a table, as people read it. */
export function faultOf(failure: Failure): FaultShape {
  return {
    message: failure.message,
    meaning: failure.meaning,
    fixes: failure.fixes.map((label) => ({ label, action: null })),
    details: failure.details,
    code: failure.kind,
  };
}
