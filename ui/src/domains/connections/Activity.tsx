import type { ConnectionSummary } from "~/api/generated";
import { State } from "~/shared/ui/State";
import { Words } from "~/shared/ui/Words";

interface ActivityProps {
  connection: Pick<ConnectionSummary, "activity" | "activity_text">;
  /** Whether for what it waits, or where it stands, is said beside the word. */
  full?: boolean;
}

/** What a connection does now, beside the one word on how it is; nothing while it does nothing. */
export function Activity({ connection: { activity, activity_text: words }, full = false }: ActivityProps) {
  if (activity === "idle") return null;
  return (
    <span className="flex min-w-0 items-center gap-2 text-caption" {...(words !== null && { title: words })}>
      <State state={activity} className="[&_svg]:size-3" />
      {full && words !== null && (
        <span className="truncate text-ink-muted">
          <Words>{words}</Words>
        </span>
      )}
    </span>
  );
}
