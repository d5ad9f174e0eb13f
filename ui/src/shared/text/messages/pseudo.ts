import type { MessageId, Messages } from "..";
import { en } from "./en";

/** English made strange, to look at: 40 % longer with accents (en-XA), or read from right to left (ar-XB). What is shown
 * without either of them did not come from the messages. */
export function pseudo(language: "en-XA" | "ar-XB"): Messages {
  const change = language === "en-XA" ? longer : mirrored;
  const changed = Object.entries(en).map(([id, message]) => [id, rewritten(message, change)]);
  return Object.fromEntries(changed) as Record<MessageId, string>;
}

/** Changes the words of a message and leaves what stands in braces; the messages inside a plural are words again. */
export function rewritten(message: string, change: (words: string) => string): string {
  let made = "";
  let words = "";
  const flush = () => {
    made += /\p{L}/u.test(words) ? change(words) : words;
    words = "";
  };
  for (let at = 0; at < message.length; at += 1) {
    if (message[at] !== "{") {
      words += message[at];
      continue;
    }
    flush();
    const end = closing(message, at);
    made += argument(message.slice(at, end + 1), change);
    at = end;
  }
  flush();
  return made;
}

/** `{name}` stays; in `{count, plural, one {# row} other {# rows}}` the inner messages change. */
function argument(text: string, change: (words: string) => string): string {
  const head = /^\{\s*\w+\s*,\s*(?:plural|select|selectordinal)\s*,/.exec(text)?.[0];
  if (head === undefined) return text;
  let made = head;
  for (let at = head.length; at < text.length; at += 1) {
    if (text[at] !== "{") {
      made += text[at];
      continue;
    }
    const end = closing(text, at);
    made += `{${rewritten(text.slice(at + 1, end), change)}}`;
    at = end;
  }
  return made;
}

function closing(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === "{") depth += 1;
    if (text[at] === "}") depth -= 1;
    if (depth === 0) return at;
  }
  return text.length - 1;
}

const LONGER_BY = 0.4;
const accents: Record<string, string> = { a: "á", e: "é", i: "í", o: "ó", u: "ú", A: "Á", E: "É", I: "Í", O: "Ó", U: "Ú", n: "ñ", c: "ç", y: "ý" };

function longer(words: string): string {
  const accented = [...words].map((letter) => accents[letter] ?? letter).join("");
  const letters = words.replaceAll(/[^\p{L}]/gu, "").length;
  // More of the same letters in the last word: breaks where a longer word would.
  const more = "é".repeat(Math.ceil(letters * LONGER_BY));
  return accented.replace(/(\p{L})(?=[^\p{L}]*$)/u, `$1${more}`);
}

function mirrored(words: string): string {
  // Right-to-left override: Latin letters as Arabic ones would stand.
  return `\u202E${words}\u202C`;
}
