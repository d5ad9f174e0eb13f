import { Toast } from "@base-ui/react/toast";
import { CircleCheck, CircleX, Info, X } from "lucide-react";
import type { ReactNode } from "react";
import { useText } from "~/shared/text";
import { IconButton } from "./Button";

const manager = Toast.createToastManager();

interface Message {
  title: string;
  detail?: string;
  look?: "done" | "note" | "failed";
  action?: { label: string; run: () => void };
}

const TOAST_MS = 8_000;

/** Says in passing that something was done, with the way to undo it. Errors are never only here. */
export function toast({ title, detail, look = "done", action }: Message): void {
  manager.add({
    title,
    description: detail,
    type: look,
    timeout: TOAST_MS,
    priority: look === "failed" ? "high" : "low",
    ...(action && { actionProps: { children: action.label, onClick: action.run } }),
  });
}

const icons = { done: CircleCheck, note: Info, failed: CircleX };
const inks = { done: "text-ok", note: "text-accent", failed: "text-bad" };

export function Toasts({ children }: { children: ReactNode }) {
  return (
    <Toast.Provider toastManager={manager} limit={3}>
      {children}
      <Toast.Portal>
        <Toast.Viewport className="fixed end-4 bottom-10 z-toast flex w-96 max-w-[calc(100vw-32px)] flex-col gap-2">
          <List />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  );
}

function List() {
  const text = useText();
  const { toasts } = Toast.useToastManager();
  return toasts.map((item) => {
    const look = item.type === "failed" || item.type === "note" ? item.type : "done";
    const Icon = icons[look];
    return (
      <Toast.Root
        key={item.id}
        toast={item}
        className="appear flex items-start gap-2 rounded-control border border-border bg-raised p-3 shadow-popover data-limited:hidden"
      >
        <Icon size={16} strokeWidth={1.5} aria-hidden className={`h-5 shrink-0 ${inks[look]}`} />
        <div className="min-w-0 flex-1">
          <Toast.Title className="m-0 font-medium text-body" />
          <Toast.Description className="m-0 text-ink-muted" />
        </div>
        {item.actionProps && <Toast.Action className="border-0 bg-transparent font-medium text-accent" />}
        <Toast.Close render={<IconButton icon={X} label={text("common.close")} className="-my-1" />} />
      </Toast.Root>
    );
  });
}
