import type { LucideIcon } from "lucide-react";
import { useEffect, useMemo } from "react";
import { createStore, useStore } from "zustand";
import { matches, type Shortcut } from "./keys";

export { isMac, type Shortcut, spelled } from "./keys";

export type CommandGroup = "navigate" | "connection" | "run" | "view" | "help" | "found";

/** One thing a person can do. Palette, shortcuts, tooltips and the list of shortcuts all come from here. */
export interface Command {
  id: string;
  title: string;
  group: CommandGroup;
  icon?: LucideIcon;
  shortcut?: Shortcut;
  /** Where it belongs, in a few words. */
  detail?: string;
  /** Other words people may type. */
  words?: string;
  run: () => void;
  disabled?: boolean;
}

interface Registry {
  sets: ReadonlyMap<symbol, readonly Command[]>;
  add: (key: symbol, commands: readonly Command[]) => void;
  remove: (key: symbol) => void;
}

const registry = createStore<Registry>()((set) => ({
  sets: new Map(),
  add: (key, commands) => set(({ sets }) => ({ sets: new Map(sets).set(key, commands) })),
  remove: (key) =>
    set(({ sets }) => {
      const next = new Map(sets);
      next.delete(key);
      return { sets: next };
    }),
}));

/** Offers commands while the component is on screen. Pass a memoised array. */
export function useCommands(commands: readonly Command[]): void {
    const key = useMemo(() => Symbol("commands"), []);
  useEffect(() => {
    const { add, remove } = registry.getState();
    add(key, commands);
    return () => remove(key);
  }, [key, commands]);
}

/** All commands of the present screen; the innermost one wins when two have the same id. */
export function useAllCommands(): Command[] {
  const sets = useStore(registry, ({ sets }) => sets);
  return useMemo(() => merged(sets), [sets]);
}

function merged(sets: Registry["sets"]): Command[] {
  const byId = new Map<string, Command>();
  for (const commands of sets.values()) for (const command of commands) byId.set(command.id, command);
  return [...byId.values()];
}

/** Runs a command by its id, as the menu of a window asks for it. */
export function runCommand(id: string): void {
  const found = merged(registry.getState().sets).find((command) => command.id === id);
  if (found && !found.disabled) found.run();
}

/** Listens for the shortcuts of all commands; once, at the root. */
export function useShortcuts(): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.repeat) return;
      const found = merged(registry.getState().sets).find(
        (command) => command.shortcut && matches(event, command.shortcut),
      );
      if (!found) return;
      // Also when the command cannot run now: Ctrl+R must never reload the page under a running sync.
      event.preventDefault();
      if (!found.disabled) found.run();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
}
