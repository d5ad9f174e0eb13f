import clsx from "clsx";
import { Search } from "lucide-react";
import type { ComponentProps, ReactNode } from "react";
import type { MessageId } from "~/shared/text";
import { useText } from "~/shared/text";
import { TextInput } from "./Field";

/** The 40 px bar over a view: title at the start, actions at the end. */
export function PageHeader({ title, children, lead }: { title: ReactNode; lead?: ReactNode; children?: ReactNode }) {
  return (
    <header className="flex h-12 shrink-0 items-center gap-3 border-b border-border px-6">
      {lead}
      {/* The name of a view is always whole; what people named themselves may be shortened. */}
      <h1 className={clsx("m-0 text-title font-semibold", typeof title === "string" ? "shrink-0" : "min-w-0 truncate")}>{title}</h1>
      <div className="ms-auto flex min-w-0 items-center gap-2">{children}</div>
    </header>
  );
}

interface SearchProps extends Omit<ComponentProps<typeof TextInput>, "type"> {
  label: string;
}

export function SearchInput({ label, className, ...rest }: SearchProps) {
  return (
    <div className={clsx("relative min-w-0", className)}>
      <Search
        size={16}
        strokeWidth={1.5}
        aria-hidden
        className="pointer-events-none absolute top-2 start-2 text-ink-subtle"
      />
      <TextInput {...rest} type="search" aria-label={label} placeholder={rest.placeholder ?? label} className="ps-8" />
    </div>
  );
}

interface SegmentsProps<Value extends string> {
  label: string;
  options: readonly { value: Value; label: string; count?: number }[];
  value: Value;
  onValue: (value: Value) => void;
}

/** A row of filters of which one holds. */
export function Segments<Value extends string>({ label, options, value, onValue }: SegmentsProps<Value>) {
  return (
    <div role="group" aria-label={label} className="flex min-w-0 flex-wrap gap-1">
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          aria-pressed={option.value === value}
          onClick={() => onValue(option.value)}
          className="h-7 rounded-control border-0 whitespace-nowrap bg-transparent px-2 text-ink-muted hover:bg-sunken aria-pressed:bg-accent-soft aria-pressed:text-accent"
        >
          {option.label}
          {option.count !== undefined && <span className="num ms-1">{option.count}</span>}
        </button>
      ))}
    </div>
  );
}

/** Names of columns in a plain table. */
export function HeadRow({ columns }: { columns: readonly { id: string; title: MessageId | null; right?: boolean }[] }) {
  const text = useText();
  return (
    <tr>
      {columns.map((column) => (
        <th
          key={column.id}
          scope="col"
          className={clsx(
            "h-8 border-b border-border px-3 text-caption font-medium whitespace-nowrap text-ink-muted first:ps-6 last:pe-6",
            column.right ? "text-end" : "text-start",
          )}
        >
          {column.title ? text(column.title) : <span className="sr-only">·</span>}
        </th>
      ))}
    </tr>
  );
}

export function Cell({ right, className, ...rest }: ComponentProps<"td"> & { right?: boolean }) {
  return (
    <td
      {...rest}
      className={clsx(
        "row-h border-b border-border px-3 whitespace-nowrap first:ps-6 last:pe-6",
        right && "num text-end",
        className,
      )}
    />
  );
}

/** The name of something of the person's own: kept apart from the direction of the text around it. */
export function Name({ children, className }: { children: string; className?: string }) {
  return <bdi className={className}>{children}</bdi>;
}
