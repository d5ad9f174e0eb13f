import { Tabs as Base } from "@base-ui/react/tabs";
import type { ReactNode } from "react";

export interface Tab<Value extends string> {
  value: Value;
  label: string;
  /** A number worth looking at, for example of findings. */
  count?: number | undefined;
}

interface TabsProps<Value extends string> {
  label: string;
  tabs: readonly Tab<Value>[];
  value: Value;
  onValue: (value: Value) => void;
  children: ReactNode;
  /** What stands at the end of the bar. */
  end?: ReactNode;
}

/** A bar of tabs over one panel. */
export function Tabs<Value extends string>({ label, tabs, value, onValue, children, end }: TabsProps<Value>) {
  return (
    <Base.Root
      value={value}
      onValueChange={(next: Value) => onValue(next)}
      className="flex min-h-0 flex-1 flex-col"
    >
      <div className="flex h-10 shrink-0 items-center gap-4 border-b border-border px-6">
        <Base.List aria-label={label} className="relative flex h-full min-w-0 gap-4 overflow-x-auto whitespace-nowrap">
          {tabs.map((tab) => (
            <Base.Tab
              key={tab.value}
              value={tab.value}
              className="flex h-full items-center gap-1 border-0 bg-transparent p-0 text-ink-muted outline-offset-[-2px] hover:text-ink data-active:text-ink data-active:shadow-[inset_0_-2px_0_var(--accent)]"
            >
              {tab.label}
              {tab.count !== undefined && tab.count > 0 && <span className="num text-ink-subtle">{tab.count}</span>}
            </Base.Tab>
          ))}
        </Base.List>
        {end && <div className="ms-auto flex items-center gap-2">{end}</div>}
      </div>
      <Base.Panel key={value} value={value} className="flex min-h-0 flex-1 flex-col outline-offset-[-2px]">
        {children}
      </Base.Panel>
    </Base.Root>
  );
}
