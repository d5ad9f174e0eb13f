import { useState } from "react";
import { useText } from "~/shared/text";
import { Button } from "~/shared/ui/Button";
import { RemoveSampleDialog } from "./RemoveSampleDialog";
import { useHasSample } from "./sample";

/** The way to get rid of the sample, where there is one. */
export function RemoveSample() {
  const text = useText();
  const has = useHasSample();
  const [asking, setAsking] = useState(false);
  return (
    <div className="flex flex-col items-start gap-2">
      <p className="m-0 text-ink-muted">{text(has ? "settings.sampleHelp" : "settings.sampleGone")}</p>
      {has && <Button onClick={() => setAsking(true)}>{text("sample.remove")}</Button>}
      <RemoveSampleDialog open={asking} onClose={() => setAsking(false)} />
    </div>
  );
}
