import { Database, FileStack, type LucideIcon, Sparkles } from "lucide-react";

interface ConnectorIconProps {
  /** What project files call the connector. */
  name: string;
  /** Its drawing (SVG), when it has one. */
  icon?: string | null | undefined;
}

/** The drawing of a system in a list. Beside its name it says nothing new. */
export function ConnectorIcon({ name, icon }: ConnectorIconProps) {
  if (icon) {
    // As an image, a drawing can neither run nor load anything.
    return <img src={`data:image/svg+xml,${encodeURIComponent(icon)}`} alt="" width={20} height={20} className="shrink-0" />;
  }
  const Icon = fallback(name);
  return <Icon size={20} strokeWidth={1.5} aria-hidden className="shrink-0 text-ink-muted" />;
}

function fallback(connector: string): LucideIcon {
  if (connector === "sample") return Sparkles;
  return /parquet|csv|json|file|s3/.test(connector) ? FileStack : Database;
}
