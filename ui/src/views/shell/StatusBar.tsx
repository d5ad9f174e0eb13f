import { WifiOff } from "lucide-react";
import { useLink } from "~/live/link";
import { useText } from "~/shared/text";

export function StatusBar({ running }: { running: number }) {
  const text = useText();
  const link = useLink((live) => live.state);
  return (
    <footer
      data-region
      tabIndex={-1}
      className="flex h-6 shrink-0 items-center gap-4 border-t border-border bg-sunken px-4 text-caption text-ink-muted"
    >
      <span>{text("shell.thisComputer")}</span>
      {running > 0 && <span className="num">{text("shell.running", { count: running })}</span>}
      {link === "lost" && (
        <span className="flex items-center gap-1 text-warn">
          <WifiOff size={12} strokeWidth={1.75} aria-hidden />
          {text("shell.offline")}
        </span>
      )}
      <span className="ms-auto">{text("shell.local")}</span>
    </footer>
  );
}
