import clsx from "clsx";

/** Statements, raw messages and values: monospaced, on a well, wrapped rather than scrolled sideways. */
export function Code({ children, className }: { children: string; className?: string }) {
  return (
    <pre
      className={clsx(
        "m-0 w-full min-w-0 rounded-input bg-sunken p-3 font-mono text-code break-words whitespace-pre-wrap",
        className,
      )}
    >
      <bdi>{children}</bdi>
    </pre>
  );
}
