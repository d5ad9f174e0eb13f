import { useNavigate } from "@tanstack/react-router";
import { Cable, FolderOpen, type LucideIcon, Sparkles } from "lucide-react";
import { useCallback, useEffect } from "react";
import { useAction, useAnswer } from "~/api/client";
import { runCommand } from "~/shared/commands";
import { useText } from "~/shared/text";
import { Mark } from "./shell/Mark";
import { Problem } from "~/shared/ui/Problem";

/** The first screen there is: rows first, settings never. */
export function WelcomeView() {
  const text = useText();
  const navigate = useNavigate();
  const project = useAnswer("project.info", null).data;
  const prepare = useAction("sample.prepare");

  const trySample = async () => {
    const made = await prepare.run(null);
    if (made) await navigate({ to: "/connections/$name/$tab", params: { name: made.connection, tab: "plan" } });
  };
  const toOwn = useCallback(() => void navigate({ to: "/new" }), [navigate]);
  useDigits(toOwn);
  return (
    <div className="flex flex-1 flex-col items-center justify-center overflow-auto p-6">
      <div className="flex w-full max-w-xl flex-col gap-8">
        <div className="flex flex-col gap-4">
          <Mark size={48} />
          <h1 className="text-figure text-balance">{text("welcome.title")}</h1>
        </div>
        <div className="flex flex-col gap-2">
          <Way
            primary
            icon={Sparkles}
            title={text("welcome.sample")}
            help={text("welcome.sampleHelp")}
            busy={prepare.pending}
            onPick={() => void trySample()}
          />
          <Way
            icon={Cable}
            title={text("welcome.own")}
            help={text("welcome.ownHelp")}
            onPick={toOwn}
          />
          <Way icon={FolderOpen} title={text("welcome.open")} help={text("welcome.openHelp")} onPick={toProject} />
        </div>
        {prepare.error !== null && <Problem error={prepare.error} />}
        {project && <p className="m-0 text-ink-muted">{text("welcome.footer", { store: project.secret_store })}</p>}
      </div>
    </div>
  );
}

const toProject = () => runCommand("open");

/** 2 and 3 take the second and the third way, as Enter takes the first. */
function useDigits(toOwn: () => void): void {
  useEffect(() => {
    const ways: Record<string, () => void> = { "2": toOwn, "3": toProject };
    const onKey = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLElement && event.target.closest("input, textarea, [role=dialog]");
      if (typing || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      ways[event.key]?.();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [toOwn]);
}

interface WayProps {
  icon: LucideIcon;
  title: string;
  help: string;
  primary?: boolean;
  busy?: boolean;
  onPick: () => void;
}

function Way({ icon: Icon, title, help, primary = false, busy = false, onPick }: WayProps) {
  return (
    <button
      type="button"
      // The whole point of this screen is that Enter starts the sample.
      // oxlint-disable-next-line jsx-a11y/no-autofocus
      autoFocus={primary}
      disabled={busy}
      data-look={primary ? "primary" : "secondary"}
      onClick={onPick}
      className={
        primary
          ? "flex items-center gap-4 rounded-card border border-transparent bg-accent p-4 text-start text-on-accent hover:bg-accent-hover disabled:opacity-50"
          : "flex items-center gap-4 rounded-card border border-border-strong bg-surface p-4 text-start hover:bg-sunken"
      }
    >
      <Icon size={20} strokeWidth={1.5} aria-hidden className="shrink-0" />
      <span>
        <span className="block font-medium">{title}</span>
        <span className={primary ? "block" : "block text-ink-muted"}>{help}</span>
      </span>
    </button>
  );
}
