import { Database, FileStack, Sparkles } from "lucide-react";

interface ConnectorIconProps {
  /** What project files call the connector. */
  name: string;
  /** Its drawing (SVG), when it has one. */
  icon?: string | null | undefined;
}

const look = { size: 20, strokeWidth: 1.5, "aria-hidden": true, className: "shrink-0 text-ink-muted" } as const;

/** The drawing of a system in a list. Beside its name it says nothing new. */
export function ConnectorIcon({ name, icon }: ConnectorIconProps) {
  if (icon) {
    // As an image, a drawing can neither run nor load anything.
    return <img src={`data:image/svg+xml,${encodeURIComponent(icon)}`} alt="" width={20} height={20} className="shrink-0" />;
  }
  if (name === "sample") return <Sparkles {...look} />;
  return /parquet|csv|json|file|s3/.test(name) ? <FileStack {...look} /> : <Database {...look} />;
}
