import type { Command, CommandGroup } from "~/shared/commands";
import { ranked } from "~/shared/search";

const SHOWN_MAX = 60;
const order: readonly CommandGroup[] = ["navigate", "connection", "run", "view", "help", "found"];

const scopes: Record<string, (command: Command) => boolean> = {
  ">": (command) => !command.id.startsWith("go:"),
  "@": (command) => command.id.startsWith("go:connection:"),
  "#": (command) => command.id.startsWith("go:table:"),
  "?": (command) => command.group === "help",
};

/** What is asked of the engine for what was typed; nothing for a single letter, and for what only commands answer. */
export function asked(query: string): string {
  const sign = query[0] ?? "";
  if (sign in scopes) return "";
  const words = query.trim();
  return words.length < 2 ? "" : words;
}

/** `>` finds only commands, `@` only connections, `#` only tables, `?` only help. */
export function find(commands: readonly Command[], query: string): Command[] {
  const scope = scopes[query[0] ?? ""];
  const words = scope ? query.slice(1) : query;
  // Tables are many: they appear when somebody looks for them.
  const candidates = commands.filter(scope ?? ((command) => query !== "" || !command.id.startsWith("go:table:")));
  const hits = ranked(candidates, words, (command) => `${command.title} ${command.words ?? ""}`);
  // Groups stay together, ordered by their best hit.
  const best = new Map<CommandGroup, number>();
  for (const [index, command] of hits.entries()) if (!best.has(command.group)) best.set(command.group, index);
  const rank = (command: Command) =>
    words.trim() === "" ? order.indexOf(command.group) : (best.get(command.group) ?? SHOWN_MAX);
  return hits
    .slice(0, SHOWN_MAX)
    .toSorted((a, b) => rank(a) - rank(b));
}

/** Commands, and below them what the engine found; each place once. */
export function withHits(commands: readonly Command[], hits: readonly Command[]): Command[] {
  const known = new Set(commands.map(({ id }) => id));
  return [...commands, ...hits.filter(({ id }) => !known.has(id))];
}
