import type { ConnectionVersion, ConnectorVersions, TableDiff, UpgradePlan, VersionMark } from "~/api/generated";

/** What is known of a version for a connection; nothing when no run has tried it. */
export function markOf({ marks }: ConnectionVersion, version: string): VersionMark | undefined {
  return marks.find((mark) => mark.version === version);
}

export function isBad(connection: ConnectionVersion, version: string): boolean {
  return (markOf(connection, version)?.bad_since ?? null) !== null;
}

export function connectionsOf({ sources }: ConnectorVersions): readonly ConnectionVersion[] {
  return sources.flatMap(({ connections }) => connections);
}

/** The newest version, when a connection is on another one and nothing speaks against it. */
export function newerFor({ versions }: ConnectorVersions, connection: ConnectionVersion): string | null {
  const [newest] = versions;
  return newest === undefined || newest === connection.version || isBad(connection, newest) ? null : newest;
}

/** Where a version stands: who is on it, and how it did. */
export interface Standing {
  version: string;
  sources: readonly string[];
  /** Connections that run on it. */
  running: readonly string[];
  /** Connections for which it is bad, each with what it did. */
  bad: readonly { connection: string; mark: VersionMark }[];
  /** When a run last succeeded on it. */
  worked: string | null;
}

/** All versions of a connector, newest first. */
export function standings(connector: ConnectorVersions): Standing[] {
  const connections = connectionsOf(connector);
  return connector.versions.map((version) => {
    const marks = connections.flatMap((user) => {
      const mark = markOf(user, version);
      return mark ? [{ connection: user.connection, mark }] : [];
    });
    const worked = marks.flatMap(({ mark }) => mark.worked_at ?? []);
    return {
      version,
      sources: connector.sources.filter((source) => source.version === version).map(({ source }) => source),
      running: connections.filter((user) => user.runs_on === version).map((user) => user.connection),
      bad: marks.filter(({ mark }) => mark.bad_since !== null),
      worked: worked.toSorted().at(-1) ?? null,
    };
  });
}

/** Whether somebody should look: something is newer, or something is bad. */
export function attention(connector: ConnectorVersions): "bad" | "newer" | null {
  const connections = connectionsOf(connector);
  if (connections.some((user) => isBad(user, user.version))) return "bad";
  return connections.some((user) => newerFor(connector, user) !== null) ? "newer" : null;
}

/** Whether a connection that has a version of its own is behind its source, rather than ahead of it. */
export function isBehind({ versions }: ConnectorVersions, source: string, own: string): boolean {
  return versions.indexOf(own) > versions.indexOf(source);
}

/** Whether something that is there today would be missing or be something else, or nobody can tell. */
export function takesAway({ sources }: UpgradePlan): boolean {
  const less = ({ change, key, unreadable, columns }: TableDiff) =>
    change === "removed" || key !== null || unreadable !== null || columns.some(({ before }) => before !== null);
  return sources.some(({ diff }) => diff === null || diff.tables.some(less));
}

/** How many connections an upgrade moves. */
export function movedBy({ sources }: UpgradePlan): number {
  return sources.reduce((sum, { connections }) => sum + connections.length, 0);
}
