import { type ErrorComponentProps, Link } from "@tanstack/react-router";
import { useText } from "~/shared/text";
import { Button } from "~/shared/ui/Button";
import { Fault } from "~/shared/ui/Fault";
import { Empty } from "~/shared/ui/feedback";

/** A view that failed; the rest of the window goes on. */
export function Broken({ error, reset }: ErrorComponentProps) {
  const text = useText();
  return (
    <div className="p-6">
      <Fault
        fault={{
          message: text("fault.unexpected"),
          meaning: text("fault.unexpectedMeaning"),
          details: [error instanceof Error ? (error.stack ?? error.message) : String(error)],
        }}
        actions={<Button onClick={reset}>{text("common.tryAgain")}</Button>}
      />
    </div>
  );
}

/** When the frame around the views failed itself. */
export function BrokenShell(props: ErrorComponentProps) {
  const text = useText();
  return (
    <main>
      <h1 className="sr-only">{text("fault.unexpected")}</h1>
      <Broken {...props} />
    </main>
  );
}

export function NotFound() {
  const text = useText();
  return (
    <Empty
      sentence={text("shell.notFound")}
      actions={
        <Link to="/" className="text-accent">
          {text("shell.toConnections")}
        </Link>
      }
    />
  );
}
