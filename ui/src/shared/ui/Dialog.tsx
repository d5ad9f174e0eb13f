import { Dialog as Base } from "@base-ui/react/dialog";
import clsx from "clsx";
import { X } from "lucide-react";
import type { ReactNode } from "react";
import { useText } from "~/shared/text";
import { IconButton } from "./Button";

interface DialogProps {
  open: boolean;
  onClose: () => void;
  title: string;
  children: ReactNode;
  /** Buttons; the primary one last. */
  footer?: ReactNode;
  wide?: boolean;
}

/** For what cannot be undone and for the few things that need the whole attention. */
export function Dialog({ open, onClose, title, children, footer, wide = false }: DialogProps) {
  return (
    <Base.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Base.Portal>
        <Base.Backdrop className="fixed inset-0 z-dialog bg-scrim" />
        <Base.Popup
          className={clsx(
            "appear fixed top-1/2 left-1/2 z-dialog flex max-h-[calc(100vh-64px)] max-w-[calc(100vw-48px)] -translate-1/2 flex-col rounded-card border border-border bg-raised shadow-dialog outline-none",
            wide ? "w-3xl" : "w-lg",
          )}
        >
          <Base.Title className="m-0 px-6 pt-5 text-heading font-semibold">{title}</Base.Title>
          <div className="min-h-0 flex-1 overflow-auto px-6 py-3">{children}</div>
          {footer && <div className="flex justify-end gap-2 px-6 pt-1 pb-5">{footer}</div>}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

/** A panel at the right edge over the page; for details that belong to a row. */
export function Drawer({ open, onClose, title, children, footer }: DialogProps) {
  const text = useText();
  return (
    <Base.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Base.Portal>
        <Base.Backdrop className="fixed inset-0 z-drawer bg-scrim" />
        <Base.Popup className="fixed inset-y-0 end-0 z-drawer flex w-[520px] max-w-[calc(100vw-48px)] flex-col border-s border-border bg-raised shadow-dialog transition-[opacity,transform] duration-180 ease-out outline-none data-ending-style:translate-x-4 data-ending-style:opacity-0 data-starting-style:translate-x-4 data-starting-style:opacity-0">
          <div className="flex h-10 shrink-0 items-center justify-between border-b border-border pe-2 ps-4">
            <Base.Title className="m-0 truncate text-heading font-semibold">{title}</Base.Title>
            <Base.Close render={<IconButton icon={X} label={text("common.close")} />} />
          </div>
          <div className="min-h-0 flex-1 overflow-auto p-4">{children}</div>
          {footer && <div className="flex justify-end gap-2 border-t border-border p-4">{footer}</div>}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}
