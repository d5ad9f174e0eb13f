import { Select as Base } from "@base-ui/react/select";
import clsx from "clsx";
import { Check, ChevronsUpDown } from "lucide-react";
import type { Choice, ControlIds } from "./Field";

interface SelectProps<Value extends string> extends Partial<ControlIds> {
  choices: readonly Choice<Value>[];
  value: Value;
  onValue: (value: Value) => void;
  /** The name when no visible label belongs to it. */
  label?: string;
  small?: boolean;
  className?: string;
  /** What has the focus after a choice; the select itself when there is no such thing. */
  focusAfter?: () => HTMLElement | null;
}

export function Select<Value extends string>({
  choices,
  value,
  onValue,
  label,
  small = false,
  className,
  focusAfter,
  ...ids
}: SelectProps<Value>) {
  return (
    <Base.Root
      items={choices.map(({ value: item, label: text }) => ({ value: item, label: text }))}
      value={value}
      onValueChange={(next) => {
        if (next !== null) onValue(next);
      }}
    >
      <Base.Trigger
        {...ids}
        aria-label={label}
        className={clsx(
          "inline-flex items-center justify-between gap-2 rounded-input border border-border-strong bg-surface px-2 text-start text-ink",
          small ? "h-7" : "h-8",
          className,
        )}
      >
        <Base.Value className="truncate" />
        <Base.Icon className="shrink-0 text-ink-muted">
          <ChevronsUpDown size={16} strokeWidth={1.5} aria-hidden />
        </Base.Icon>
      </Base.Trigger>
      <Base.Portal>
        <Base.Positioner className="z-popover" sideOffset={4} alignItemWithTrigger={false}>
          <Base.Popup
            finalFocus={() => focusAfter?.() ?? true}
            className="appear max-h-80 min-w-(--anchor-width) overflow-auto rounded-control border border-border bg-raised p-1 shadow-popover outline-none"
          >
            {choices.map((choice) => (
              <Base.Item
                key={choice.value}
                value={choice.value}
                className="flex min-h-7 items-center gap-2 rounded-input px-2 py-1 outline-none data-highlighted:bg-accent-soft"
              >
                <span className="flex w-4 shrink-0">
                  <Base.ItemIndicator>
                    <Check size={16} strokeWidth={1.5} aria-hidden />
                  </Base.ItemIndicator>
                </span>
                <Base.ItemText>{choice.label}</Base.ItemText>
                {choice.help && <span className="text-ink-muted">{choice.help}</span>}
              </Base.Item>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
