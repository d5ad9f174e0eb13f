import clsx from "clsx";
import { CircleAlert, Download, type LucideIcon, PencilLine, RefreshCcw, SquarePlus, Trash2 } from "lucide-react";
import type { Verb } from "~/api/generated";
import { type MessageId, useText } from "~/shared/text";

/** What can happen to a table. Removing is never the consequence of another choice, so the engine has no such verb for
 * the tables that are synced. */
export type ShownVerb = Verb | "remove";

/** Each has its own sign (the same as in the text of the plan), icon, colour and word. */
export const verbs: Record<ShownVerb, { sign: string; icon: LucideIcon; ink: string; word: MessageId }> = {
  add: { sign: "+", icon: SquarePlus, ink: "text-ok", word: "plan.add" },
  change: { sign: "~", icon: PencilLine, ink: "text-warn", word: "plan.change" },
  rebuild: { sign: "↻", icon: RefreshCcw, ink: "text-new", word: "plan.rebuild" },
  remove: { sign: "–", icon: Trash2, ink: "text-bad", word: "plan.remove" },
  unchanged: { sign: "=", icon: Download, ink: "text-ink-subtle", word: "plan.load" },
  blocked: { sign: "!", icon: CircleAlert, ink: "text-bad", word: "plan.blocked" },
};

/** The sign and the icon of a verb; its word stands beside them. */
export function Sign({ verb }: { verb: ShownVerb }) {
  const { sign, icon: Icon } = verbs[verb];
  return (
    <span aria-hidden className="flex shrink-0 items-center gap-1">
      <span className="w-4 text-center font-mono text-heading font-semibold">{sign}</span>
      <Icon size={16} strokeWidth={1.5} />
    </span>
  );
}

export function VerbWord({ verb, count }: { verb: ShownVerb; count: number }) {
  const text = useText();
  const { ink, word } = verbs[verb];
  return (
    <span className={clsx("inline-flex items-center gap-1", ink)}>
      <Sign verb={verb} />
      <span className="num">{count}</span> {text(word)}
    </span>
  );
}
