import { PlugZap } from "lucide-react";
import { useEffect, useState } from "react";
import { useLink } from "~/live/link";
import { useText } from "~/shared/text";
import { Words } from "~/shared/ui/Words";

/** A link that is lost only for a moment is not worth a word. */
const PATIENCE_MS = 1_500;

/** Says over the page that the engine is gone, and goes away when it is back. What was shown stays readable. */
export function EngineGone() {
  const lost = useLink((live) => live.state === "lost");
  return lost ? <Notice /> : null;
}

function Notice() {
  const text = useText();
  const [told, setTold] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setTold(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, []);
  if (!told) return null;
  return (
    <div role="alert" className="flex shrink-0 items-start gap-3 border-b border-border bg-warn-soft px-6 py-3">
      <PlugZap size={20} strokeWidth={1.5} aria-hidden className="shrink-0 text-warn" />
      <div className="flex-1">
        <p className="m-0 font-medium">{text("shell.goneTitle")}</p>
        <p className="m-0">{text("shell.goneMeaning")}</p>
        <p className="m-0"><Words>{text("shell.goneFix")}</Words></p>
      </div>
      <span className="text-ink-muted">{text("shell.reconnecting")}</span>
    </div>
  );
}
