import { type Failure, fixActions } from "~/api/generated";
import type { FaultShape } from "~/shared/ui/Fault";

/** A failure of a run or of a table, as people read it. Its first fix has the button of its kind. */
export function faultOf(failure: Failure): FaultShape {
  return {
    message: failure.message,
    meaning: failure.meaning,
    fixes: failure.fixes.map((label, at) => ({ label, action: at === 0 ? fixActions[failure.kind] : null })),
    details: failure.details,
    code: failure.kind,
    side: failure.side ?? null,
  };
}
