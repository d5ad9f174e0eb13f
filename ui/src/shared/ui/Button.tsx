import clsx from "clsx";
import type { LucideIcon } from "lucide-react";
import type { ComponentProps } from "react";
import { type Shortcut, spelled } from "~/shared/commands";
import { Tooltip } from "./Tooltip";

type Look = "primary" | "secondary" | "quiet" | "danger";

export interface ButtonProps extends Omit<ComponentProps<"button">, "type"> {
  look?: Look;
  /** Small in toolbars of grids; hero for the one large action of the first screen. */
  size?: "small" | "normal" | "hero";
  icon?: LucideIcon;
  shortcut?: Shortcut;
  type?: "button" | "submit";
  /** Why it cannot be pressed now. The button stays focusable, so that everybody can learn the reason. */
  blocked?: string | undefined;
}

const looks: Record<Look, string> = {
  primary: "bg-accent text-on-accent hover:bg-accent-hover border-transparent",
  secondary: "bg-surface text-ink border-border-strong hover:bg-sunken",
  quiet: "bg-transparent text-ink border-transparent hover:bg-sunken",
  danger: "bg-surface text-bad border-bad hover:bg-bad-soft",
};

const sizes = {
  small: "h-7 px-2 gap-1",
  normal: "h-8 px-3 gap-2",
  hero: "h-10 px-4 gap-2",
};

export function Button({
  look = "secondary",
  size = "normal",
  icon: Icon,
  shortcut,
  blocked,
  type = "button",
  className,
  children,
  onClick,
  ...rest
}: ButtonProps) {
  const button = (
    <button
      {...rest}
      type={type}
      data-look={look}
      aria-disabled={blocked ? true : undefined}
      onClick={blocked ? (event) => event.preventDefault() : onClick}
      className={clsx(
        "inline-flex shrink-0 items-center justify-center rounded-control border font-medium whitespace-nowrap",
        "transition-colors duration-[120ms] disabled:opacity-50 aria-disabled:opacity-50",
        looks[look],
        sizes[size],
        className,
      )}
    >
      {Icon && <Icon size={16} strokeWidth={1.5} aria-hidden />}
      {children}
      {shortcut && <Keys shortcut={shortcut} />}
    </button>
  );
  return blocked ? <Tooltip text={blocked}>{button}</Tooltip> : button;
}

/** A shortcut beside its command. Hidden from screen readers: `aria-keyshortcuts` and the palette say it. */
export function Keys({ shortcut, className }: { shortcut: Shortcut; className?: string }) {
  return (
    <kbd aria-hidden className={clsx("font-sans text-caption font-normal", className)}>
      {spelled(shortcut)}
    </kbd>
  );
}

interface IconButtonProps extends Omit<ComponentProps<"button">, "type" | "children"> {
  icon: LucideIcon;
  label: string;
  shortcut?: Shortcut;
  pressed?: boolean;
}

/** Only an icon; its name and shortcut are in the tooltip. */
export function IconButton({ icon: Icon, label, shortcut, pressed, className, ...rest }: IconButtonProps) {
  return (
    <Tooltip text={label} {...(shortcut && { shortcut })}>
      <button
        {...rest}
        type="button"
        aria-label={label}
        aria-pressed={pressed}
        className={clsx(
          "inline-flex size-7 shrink-0 items-center justify-center rounded-control border-0 bg-transparent text-ink-muted",
          "transition-colors duration-[120ms] hover:bg-sunken hover:text-ink disabled:opacity-50 aria-pressed:bg-accent-soft aria-pressed:text-accent",
          className,
        )}
      >
        <Icon size={16} strokeWidth={1.5} aria-hidden />
      </button>
    </Tooltip>
  );
}
