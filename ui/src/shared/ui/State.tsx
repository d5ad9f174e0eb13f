import clsx from "clsx";
import {
  CircleCheck,
  CircleDashed,
  CircleDot,
  CircleSlash,
  Clock,
  Hand,
  Hourglass,
  type LucideIcon,
  OctagonX,
  Pause,
  Play,
  RotateCw,
  SquareDashed,
  TriangleAlert,
  Unplug,
  Upload,
} from "lucide-react";
import { type MessageId, useText } from "~/shared/text";

type Ink = "ok" | "warn" | "bad" | "run" | "new" | "idle";

/** Every state there is to show, each with its own icon, word and colour. */
const states = {
  draft: look(CircleDashed, "idle", "state.draft"),
  healthy: look(CircleCheck, "ok", "state.healthy"),
  late: look(Clock, "warn", "state.late"),
  needs_you: look(Hand, "warn", "state.needsYou"),
  failing: look(OctagonX, "bad", "state.failing"),
  paused: look(Pause, "idle", "state.paused"),
  new: look(CircleDot, "idle", "state.new"),

  queued: look(SquareDashed, "idle", "state.queued"),
  reading: look(Play, "run", "state.reading"),
  writing: look(Upload, "run", "state.writing"),
  running: look(Play, "run", "state.running"),
  stopping: look(Hourglass, "run", "state.stopping"),
  waiting: look(Clock, "warn", "state.waiting"),
  retrying: look(RotateCw, "warn", "state.retrying"),
  done: look(CircleCheck, "ok", "state.done"),
  done_with_rejected: look(TriangleAlert, "warn", "state.doneWithRejected"),
  needs_decision: look(Hand, "warn", "state.needsDecision"),
  stopped: look(CircleSlash, "idle", "state.stopped"),
  interrupted: look(Unplug, "warn", "state.interrupted"),
  failed: look(OctagonX, "bad", "state.failed"),
} satisfies Record<string, Look>;

interface Look {
  icon: LucideIcon;
  ink: Ink;
  word: MessageId;
}

function look(icon: LucideIcon, ink: Ink, word: MessageId): Look {
  return { icon, ink, word };
}

export type StateName = keyof typeof states;

const inks: Record<Ink, string> = {
  ok: "text-ok",
  warn: "text-warn",
  bad: "text-bad",
  run: "text-run",
  new: "text-new",
  idle: "text-idle",
};

const softs: Record<Ink, string> = {
  ok: "bg-ok-soft text-ok",
  warn: "bg-warn-soft text-warn",
  bad: "bg-bad-soft text-bad",
  run: "bg-run-soft text-run",
  new: "bg-new-soft text-new",
  idle: "bg-sunken text-ink-muted",
};

export function wordOf(state: StateName): MessageId {
  return states[state].word;
}

/** The ink of a state, for marks that stand for many of them. */
export function inkOf(state: StateName): Ink {
  return states[state].ink;
}

interface StateProps {
  state: StateName;
  /** Said instead of the state's own word, when it can be more exact ("3 rejected"). */
  word?: string | undefined;
  /** On a soft ground of its colour. */
  soft?: boolean;
  className?: string;
}

/** A state as icon, word and colour; never one of them alone. */
export function State({ state, word, soft = false, className }: StateProps) {
  const text = useText();
  const { icon: Icon, ink, word: own } = states[state];
  return (
    <span
      className={clsx(
        "inline-flex items-center gap-2 whitespace-nowrap",
        soft ? ["rounded-input px-2 text-caption leading-5 font-medium", softs[ink]] : inks[ink],
        className,
      )}
    >
      <Icon size={soft ? 12 : 16} strokeWidth={1.75} aria-hidden className="shrink-0" />
      <span className="truncate">{word ?? text(own)}</span>
    </span>
  );
}

/** A small word on a soft ground, without a state. */
export function Badge({ ink = "idle", children }: { ink?: Ink; children: React.ReactNode }) {
  return (
    <span className={clsx("rounded-input px-2 text-caption leading-5 font-medium whitespace-nowrap", softs[ink])}>
      {children}
    </span>
  );
}
