import { Tooltip as Base } from "@base-ui/react/tooltip";
import type { ReactElement } from "react";
import { type Shortcut, spelled } from "~/shared/commands";

interface TooltipProps {
  text: string;
  shortcut?: Shortcut;
  children: ReactElement;
}

/** A word on the thing under the pointer or the focus. Can be hovered itself and goes away with Escape. */
export function Tooltip({ text, shortcut, children }: TooltipProps) {
  return (
    <Base.Root>
      <Base.Trigger render={children} delay={400} />
      <Base.Portal>
        <Base.Positioner sideOffset={6} className="z-tooltip">
          <Base.Popup className="appear max-w-80 rounded-input border border-border bg-raised px-2 py-1 text-caption text-ink shadow-popover">
            {text}
            {shortcut && <span className="ms-2 text-ink-subtle">{spelled(shortcut)}</span>}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
