import { CircleCheck, CircleSlash, Clock, ExternalLink, type LucideIcon } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { EngineError } from "~/api/client";
import type { SignInOutcome, SignInStarted } from "~/api/generated";
import { usePlatform } from "~/platform";
import { useText } from "~/shared/text";
import { Button } from "~/shared/ui/Button";
import { Field, TextInput } from "~/shared/ui/Field";
import { Problem } from "~/shared/ui/Problem";
import { toast } from "~/shared/ui/toast";
import type { SignIn } from "./useSignIn";

interface SignInPanelProps {
  /** What people call the service. */
  title: string;
  signIn: SignIn;
  /** Why nobody can sign in yet. */
  blocked: string | undefined;
  onBegin: () => void;
}

/** Signing in with the browser: before, while it is waited for, and how it ended. */
export function SignInPanel({ title, signIn, blocked, onBegin }: SignInPanelProps) {
  const text = useText();
  const { started, outcome, error } = signIn;
  const waiting = started !== null && outcome === null && (signIn.pending || error !== null);
  return (
    <section aria-label={text("signIn.title", { title })} className="flex flex-col gap-3 rounded-card border border-border bg-surface p-4">
      {waiting ? (
        <Waiting started={started} signIn={signIn} />
      ) : (
        <>
          {outcome && <Ended outcome={outcome} title={title} />}
          <Button className="self-start" icon={ExternalLink} blocked={blocked} disabled={signIn.pending} onClick={onBegin}>
            {outcome === null ? text("signIn.begin", { title }) : text("signIn.again")}
          </Button>
          {outcome === null && <p className="m-0 text-ink-muted">{text("signIn.help")}</p>}
        </>
      )}
      {error !== null && <Problem error={error} />}
    </section>
  );
}

/** Never only a turning wheel: four ways on. */
function Waiting({ started, signIn }: { started: SignInStarted; signIn: SignIn }) {
  const text = useText();
  const platform = usePlatform();
  const [coding, setCoding] = useState(false);
  const [code, setCode] = useState("");
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus();
    // With its ways on, which stand below.
    heading.current?.closest("section")?.scrollIntoView({ block: "nearest" });
  }, []);
  return (
    <>
      <h3 ref={heading} tabIndex={-1} className="text-heading">
        {text("signIn.waiting")}
      </h3>
      <p role="status" className="m-0 text-ink-muted">
        {text("signIn.waitingHelp")}
      </p>
      <Facts started={started} />
      <div className="flex flex-wrap gap-2">
        <Button size="small" icon={ExternalLink} onClick={signIn.openAgain}>
          {text("signIn.openAgain")}
        </Button>
        <Button size="small" onClick={() => void platform.copy(started.url).then(() => toast({ title: text("common.copied") }))}>
          {text("signIn.copyLink")}
        </Button>
        <Button size="small" aria-expanded={coding} onClick={() => setCoding(!coding)}>
          {text("signIn.enterCode")}
        </Button>
        <Button size="small" onClick={signIn.cancel}>
          {text("common.cancel")}
        </Button>
      </div>
      {coding && (
        <Field label={text("signIn.code")} help={text("signIn.codeHelp")}>
          {(ids) => (
            <div className="flex gap-2">
              <TextInput
                {...ids}
                type="password"
                value={code}
                onValue={setCode}
                onKeyDown={(event) => {
                  if (event.key !== "Enter") return;
                  // Not the form around it.
                  event.preventDefault();
                  void signIn.enterCode(code);
                }}
              />
              <Button disabled={code.trim() === ""} onClick={() => void signIn.enterCode(code)}>
                {text("signIn.useCode")}
              </Button>
            </div>
          )}
        </Field>
      )}
    </>
  );
}

/** Who asks, and for what: people in companies often need a client of their own. */
function Facts({ started }: { started: SignInStarted }) {
  const text = useText();
  return (
    <dl className="m-0 grid grid-cols-[auto_1fr] gap-x-3 gap-y-1">
      <dt className="text-ink-muted">{text("signIn.client")}</dt>
      <dd className="m-0 min-w-0 break-all">
        <bdi>{started.client}</bdi>
      </dd>
      {started.scopes.length > 0 && (
        <>
          <dt className="text-ink-muted">{text("signIn.scopes")}</dt>
          <dd className="m-0 min-w-0 break-words">
            <bdi>{started.scopes.join(", ")}</bdi>
          </dd>
        </>
      )}
    </dl>
  );
}

function Ended({ outcome, title }: { outcome: SignInOutcome; title: string }) {
  const text = useText();
  switch (outcome.how) {
    case "done":
      return <Words icon={CircleCheck} ink="text-ok" what={text("signIn.done", { title })} meaning={text("signIn.doneMeaning")} />;
    case "denied":
      return <Words icon={CircleSlash} ink="text-warn" what={text("signIn.denied", { title })} meaning={text("signIn.deniedMeaning")} />;
    case "timed_out":
      return <Words icon={Clock} ink="text-warn" what={text("signIn.timedOut")} meaning={text("signIn.timedOutMeaning")} />;
    case "failed":
      return <Problem error={new EngineError(outcome.error)} />;
  }
}

function Words({ icon: Icon, ink, what, meaning }: { icon: LucideIcon; ink: string; what: ReactNode; meaning: ReactNode }) {
  return (
    <div role="status" className="flex gap-2">
      <Icon size={16} strokeWidth={1.75} aria-hidden className={`h-5 shrink-0 ${ink}`} />
      <div>
        <p className="m-0 font-medium">{what}</p>
        <p className="m-0 text-ink-muted">{meaning}</p>
      </div>
    </div>
  );
}
