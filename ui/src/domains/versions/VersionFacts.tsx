import { Link } from "@tanstack/react-router";
import { useAnswer } from "~/api/client";
import { useText } from "~/shared/text";
import { Badge } from "~/shared/ui/State";
import { isBad, newerFor } from "./model";

/** Which version of its source's connector a connection runs on, in a list of facts; nothing where there are no versions. */
export function VersionFacts({ connection }: { connection: string }) {
  const text = useText();
  const all = useAnswer("connectors.versions", null).data ?? [];
  for (const connector of all) {
    const user = connector.sources.flatMap(({ connections }) => connections).find((each) => each.connection === connection);
    if (!user) continue;
    const newer = newerFor(connector, user);
    return (
      <>
        <dt className="text-ink-muted">{text("versions.connector")}</dt>
        <dd className="m-0 flex flex-col items-start gap-1">
          <Link to="/versions" search={{ connector: connector.connector }} className="text-accent">
            {text("versions.titled", { title: connector.title, version: user.runs_on })}
          </Link>
          {isBad(user, user.version) && <Badge ink="bad">{text("versions.isBad", { version: user.version })}</Badge>}
          {newer !== null && <Badge ink="new">{text("versions.isThere", { version: newer })}</Badge>}
        </dd>
      </>
    );
  }
  return null;
}

/** The way from a source to the versions of its connector. */
export function VersionLink({ source }: { source: string }) {
  const text = useText();
  const all = useAnswer("connectors.versions", null).data ?? [];
  for (const { connector, title, sources } of all) {
    const found = sources.find((each) => each.source === source);
    if (!found) continue;
    return (
      <Link to="/versions" search={{ connector }} className="text-accent">
        {text("versions.titled", { title, version: found.version })}
      </Link>
    );
  }
  return null;
}
