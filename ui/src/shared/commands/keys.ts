/** A shortcut: `mod` is ⌘ on a Mac and Ctrl elsewhere. Written "mod+shift+p", "f6", "mod+1". */
export type Shortcut = string;

export const isMac = /mac|iphone|ipad/i.test(navigator.platform);

const macSigns: Record<string, string> = { mod: "⌘", shift: "⇧", alt: "⌥", ctrl: "⌃", enter: "↩", left: "←", right: "→" };
const plainWords: Record<string, string> = {
  mod: "Ctrl",
  shift: "Shift",
  alt: "Alt",
  ctrl: "Ctrl",
  enter: "Enter",
  left: "←",
  right: "→",
};

/** As people read it: "⇧⌘P" on a Mac, "Ctrl+Shift+P" elsewhere. */
export function spelled(shortcut: Shortcut, mac = isMac): string {
  const parts = shortcut.split("+");
  const word = (part: string) => (mac ? macSigns : plainWords)[part] ?? part.toUpperCase();
  if (!mac) return parts.map(word).join("+");
  const order = ["ctrl", "alt", "shift", "mod"];
  const modifiers = parts.slice(0, -1).toSorted((a, b) => order.indexOf(a) - order.indexOf(b));
  return [...modifiers, parts.at(-1) ?? ""].map(word).join("");
}

export function matches(event: KeyboardEvent, shortcut: Shortcut, mac = isMac): boolean {
  const parts = shortcut.split("+");
  const key = parts.at(-1);
  const wants = (modifier: string) => parts.includes(modifier);
  const mod = mac ? event.metaKey : event.ctrlKey;
  const other = mac ? event.ctrlKey : event.metaKey;
  if (mod !== wants("mod") || other || event.altKey !== wants("alt")) return false;
  // Signs like "." and "/" need Shift on some keyboards; only letters, digits and named keys insist on it.
  if (event.shiftKey !== wants("shift") && /^([a-z0-9]|f\d+|enter|left|right)$/.test(key ?? "")) return false;
  return keyOf(event) === key;
}

function keyOf(event: KeyboardEvent): string {
  const named: Record<string, string> = { ArrowLeft: "left", ArrowRight: "right", Enter: "enter" };
  if (event.code.startsWith("Digit")) return event.code.slice(5);
  return named[event.key] ?? event.key.toLowerCase();
}
