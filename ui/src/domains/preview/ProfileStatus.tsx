import { useSyncExternalStore } from "react";
import { useText } from "~/shared/text";
import { Button } from "~/shared/ui/Button";
import type { Profiling } from "./profiles";

/** How far counting is, with the way to stop it and to go on. */
export function ProfileStatus({ profiling }: { profiling: Profiling }) {
  const text = useText();
  const { store, total, stopped, stop, goOn, error } = profiling;
  useSyncExternalStore(store.subscribe, store.version);
  const done = store.all().length;
  const skipped = store.all().filter((profile) => profile.skipped !== null).length;
  const counted = done - skipped;
  if (error !== null) {
    return (
      <span role="alert" className="flex items-center gap-2 text-bad">
        {text("profile.failed")}
        <Button size="small" look="quiet" onClick={goOn}>
          {text("common.tryAgain")}
        </Button>
      </span>
    );
  }
  if (done >= total) {
    return (
      <span role="status" className="num text-ink-subtle">
        {text(skipped > 0 ? "profile.doneSkipped" : "profile.done", { counted, total, skipped })}
      </span>
    );
  }
  return (
    <span role="status" className="num flex items-center gap-2 text-ink-muted">
      {text(stopped ? "profile.stopped" : "profile.working", { done, total })}
      <Button size="small" look="quiet" onClick={stopped ? goOn : stop}>
        {text(stopped ? "profile.goOn" : "profile.stop")}
      </Button>
    </span>
  );
}
