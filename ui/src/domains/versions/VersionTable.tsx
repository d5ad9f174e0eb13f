import type { ConnectorVersions } from "~/api/generated";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Button } from "~/shared/ui/Button";
import { Cell, HeadRow } from "~/shared/ui/layout";
import { Badge, State } from "~/shared/ui/State";
import { Words } from "~/shared/ui/Words";
import { connectionsOf, type Standing, standings } from "./model";

const columns = [
  { id: "version", title: "versions.column.version" },
  { id: "known", title: "versions.column.known" },
  { id: "users", title: "versions.column.users" },
  { id: "actions", title: null },
] as const;

interface VersionTableProps {
  connector: ConnectorVersions;
  /** Shows what a version would change. */
  onPlan: (version: string) => void;
}

/** The versions side by side: how each did, and who is on it. */
export function VersionTable({ connector, onPlan }: VersionTableProps) {
  const text = useText();
  const all = connectionsOf(connector);
  return (
    <table aria-label={text("versions.sideBySide")} className="w-full border-collapse border-t border-border">
      <thead>
        <HeadRow columns={columns} />
      </thead>
      <tbody>
        {standings(connector).map((standing, at) => {
          // Whoever wants it but cannot have it may want to try again.
          const moves = connector.sources.some(({ version }) => version !== standing.version) || all.some(({ runs_on }) => runs_on !== standing.version);
          return (
            <tr key={standing.version}>
              <Cell className="num align-top font-medium">
                <span className="flex min-h-9 items-center gap-2">
                  <bdi>{standing.version}</bdi>
                  {at === 0 && <Badge ink="new">{text("versions.newest")}</Badge>}
                </span>
              </Cell>
              <Cell className="w-1/2 align-top whitespace-normal!">
                <Known standing={standing} />
              </Cell>
              <Cell className="align-top whitespace-normal!">
                <Users standing={standing} />
              </Cell>
              <Cell right className="align-top">
                {moves && (
                  <Button size="small" className="my-1" onClick={() => onPlan(standing.version)}>
                    {text("versions.plan", { version: standing.version })}
                  </Button>
                )}
              </Cell>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function Known({ standing: { bad, worked } }: { standing: Standing }) {
  const text = useText();
  const format = useFormat();
  return (
    <span className="flex min-h-9 flex-col justify-center gap-1 py-2">
      {bad.map(({ connection, mark }) => (
        <span key={connection} className="flex flex-col">
          <State state="failed" word={text("versions.badFor", { connection })} />
          <span className="ps-6 break-words text-ink-muted" title={mark.bad_since === null ? undefined : format.moment(mark.bad_since)}>
            <Words>{mark.bad_because ?? ""}</Words>
          </span>
        </span>
      ))}
      {worked !== null && <State state="done" word={text("versions.worked", { time: format.ago(worked) })} />}
      {worked === null && bad.length === 0 && <span className="text-ink-subtle">{text("versions.untried")}</span>}
    </span>
  );
}

function Users({ standing: { sources, running } }: { standing: Standing }) {
  const text = useText();
  return (
    <span className="flex min-h-9 flex-col justify-center py-2 text-ink-muted">
      {running.length > 0 && <span>{text("versions.running", { count: running.length, names: running.join(", ") })}</span>}
      {sources.length > 0 && <span>{text("versions.sources", { count: sources.length, names: sources.join(", ") })}</span>}
      {running.length + sources.length === 0 && <span className="text-ink-subtle">{text("versions.nobody")}</span>}
    </span>
  );
}
