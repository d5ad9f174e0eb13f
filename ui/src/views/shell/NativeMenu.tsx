import { useRouter } from "@tanstack/react-router";
import { useEffect, useMemo } from "react";
import { type NativeGroup, type NativeWords, usePlatform } from "~/platform";
import { type Command, type CommandGroup, runCommand, useAllCommands } from "~/shared/commands";
import { useText } from "~/shared/text";

/** Keys that mean something while text is edited: there the page decides, and a menu would come before it. */
const KEYS_OF_TEXT: ReadonlySet<string> = new Set(["mod+y", "mod+/", "mod+enter", "alt+left", "alt+right"]);

/** Gives the window its menu, from the same commands as the palette, and runs what is chosen there. Draws nothing. */
export function NativeMenu() {
  const { native } = usePlatform();
  const { history } = useRouter();
  const menu = useMenu();
  const words = useWords();
  // Compared as text: commands are made anew more often than their words change.
  const shown = JSON.stringify({ menu, words });
  useEffect(() => {
    const parsed = JSON.parse(shown) as { menu: NativeGroup[]; words: NativeWords };
    void native?.present(parsed.menu, parsed.words);
  }, [native, shown]);
  useEffect(() => native?.onCommand(runCommand), [native]);
  useEffect(() => native?.onPlace((path) => history.push(path)), [native, history]);
  useEffect(() => {
    if (!native) return;
    const root = document.documentElement;
    const observer = new MutationObserver(() => void native.drawn(root.dataset["theme"] === "dark"));
    observer.observe(root, { attributes: true, attributeFilter: ["data-theme"] });
    return () => observer.disconnect();
  }, [native]);
  return null;
}

/** What is there on every screen. What belongs to one screen comes and goes, and a menu should not. */
function useMenu(): NativeGroup[] {
  const text = useText();
  const commands = useAllCommands();
  return useMemo(() => {
    const everywhere = commands.filter(({ id }) => !/[.:]/.test(id));
    const titles: [CommandGroup, string][] = [
      ["connection", text("palette.connection")],
      ["navigate", text("palette.navigate")],
      ["view", text("palette.view")],
      ["help", text("palette.help")],
    ];
    return titles
      .map(([group, title]) => ({ title, commands: everywhere.filter((command) => command.group === group).map(entry) }))
      .filter(({ commands }) => commands.length > 0);
  }, [commands, text]);
}

function entry({ id, title, disabled = false, shortcut }: Command): NativeGroup["commands"][number] {
  const key = shortcut && !KEYS_OF_TEXT.has(shortcut) ? shortcut : null;
  return { id, title, enabled: !disabled, shortcut: key };
}

function useWords(): NativeWords {
  const text = useText();
  return useMemo(() => {
    const name = "{name}";
    return {
      show: text("native.show"),
      quit: text("native.quit"),
      edit: text("native.edit"),
      running: text("native.running"),
      background: text("native.background"),
      failed: text("native.failed", { name }),
      decision: text("native.decision", { name }),
      decide: text("native.decide"),
    };
  }, [text]);
}
