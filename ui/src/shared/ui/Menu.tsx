import { Menu as Base } from "@base-ui/react/menu";
import clsx from "clsx";
import type { LucideIcon } from "lucide-react";
import type { ReactElement } from "react";
import { type Shortcut, spelled } from "~/shared/commands";

export interface MenuItem {
  id: string;
  label: string;
  icon?: LucideIcon;
  shortcut?: Shortcut;
  danger?: boolean;
  disabled?: boolean;
  onSelect: () => void;
}

/** A list of actions behind a button. Dangerous ones stand apart at the end. */
export function Menu({ trigger, items }: { trigger: ReactElement; items: readonly MenuItem[] }) {
  const harmless = items.filter((item) => !item.danger);
  const dangerous = items.filter((item) => item.danger);
  return (
    <Base.Root>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner className="z-popover" sideOffset={4} align="end">
          <Base.Popup className="appear min-w-48 rounded-control border border-border bg-raised p-1 shadow-popover outline-none">
            {harmless.map((item) => (
              <Row key={item.id} item={item} />
            ))}
            {dangerous.length > 0 && harmless.length > 0 && <Base.Separator className="my-1 h-px bg-border" />}
            {dangerous.map((item) => (
              <Row key={item.id} item={item} />
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

function Row({ item }: { item: MenuItem }) {
  const Icon = item.icon;
  return (
    <Base.Item
      onClick={item.onSelect}
      disabled={item.disabled}
      className={clsx(
        "flex h-7 items-center gap-2 rounded-input px-2 outline-none data-disabled:opacity-50 data-highlighted:bg-accent-soft",
        item.danger && "text-bad",
      )}
    >
      <span className="flex w-4 shrink-0">{Icon && <Icon size={16} strokeWidth={1.5} aria-hidden />}</span>
      <span className="flex-1">{item.label}</span>
      {item.shortcut && <span className="text-caption text-ink-subtle">{spelled(item.shortcut)}</span>}
    </Base.Item>
  );
}
