import type { Failure } from "~/api/generated";
import type { FaultShape } from "~/shared/ui/Fault";

export function faultOf(failure: Failure): FaultShape {
  return {
    message: failure.message,
    meaning: failure.meaning,
    fixes: failure.fixes,
    details: failure.details,
    code: failure.kind,
  };
}
