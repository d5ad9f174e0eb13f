import { Link } from "@tanstack/react-router";
import { Undo2 } from "lucide-react";
import type { ConnectionVersion, ConnectorVersions, SourceVersion } from "~/api/generated";
import { useText } from "~/shared/text";
import { Button } from "~/shared/ui/Button";
import { Cell, HeadRow } from "~/shared/ui/layout";
import { State } from "~/shared/ui/State";
import { Words } from "~/shared/ui/Words";
import { isBad, isBehind, markOf } from "./model";
import type { Move } from "./useMove";

const columns = [
  { id: "name", title: "versions.column.name" },
  { id: "wanted", title: "versions.column.wanted" },
  { id: "runsOn", title: "versions.column.runsOn" },
  { id: "standing", title: "versions.column.standing" },
  { id: "actions", title: null },
] as const;

interface UserTableProps {
  connector: ConnectorVersions;
  move: Move;
}

/** The sources that use a connector with their connections, each with the way back. */
export function UserTable({ connector, move }: UserTableProps) {
  const text = useText();
  return (
    <table aria-label={text("versions.users")} className="w-full border-collapse border-t border-border">
      <thead>
        <HeadRow columns={columns} />
      </thead>
      {connector.sources.map((source) => (
        <tbody key={source.source}>
          <SourceRow connector={connector} source={source} move={move} />
          {source.connections.map((user) => (
            <ConnectionRow key={user.connection} connector={connector} source={source} user={user} move={move} />
          ))}
        </tbody>
      ))}
    </table>
  );
}

function SourceRow({ connector, source, move }: UserTableProps & { source: SourceVersion }) {
  const text = useText();
  const { source: name, version, pinned, back } = source;
  return (
    <tr className="bg-sunken">
      <Cell>
        <Link to="/systems/$side/$name" params={{ side: "source", name }} className="font-medium text-ink no-underline hover:underline">
          <bdi>{name}</bdi>
        </Link>
        <span className="ms-2 text-ink-muted">{text("systems.side.source")}</span>
      </Cell>
      <Cell className="num">{version}</Cell>
      <Cell />
      <Cell className="text-ink-muted">{text(pinned ? "versions.pinned" : "versions.follows")}</Cell>
      <Cell right>
        <RollBack to={back} name={name} move={move} onRollBack={() => void move.rollBack({ connector: connector.connector, source: name, only: [] })} />
      </Cell>
    </tr>
  );
}

function ConnectionRow({ connector, source, user, move }: UserTableProps & { source: SourceVersion; user: ConnectionVersion }) {
  const { connection: name } = user;
  // What moves with its source goes back with it; only what is on its own has a way of its own, and what is alone.
  const ownWay = user.own || source.connections.length > 1;
  return (
    <tr>
      <Cell className="ps-10!">
        <Link to="/connections/$name/$tab" params={{ name, tab: "overview" }} className="text-ink no-underline hover:underline">
          <bdi>{name}</bdi>
        </Link>
      </Cell>
      <Cell className="num">{user.version}</Cell>
      <Cell className="num">{user.runs_on}</Cell>
      <Cell className="whitespace-normal!">
        <HowItStands connector={connector} source={source} user={user} />
      </Cell>
      <Cell right>
        {ownWay && <RollBack to={user.back} name={name} move={move} onRollBack={() => void move.rollBack({ connector: connector.connector, source: null, only: [name] })} />}
      </Cell>
    </tr>
  );
}

function HowItStands({ connector, source, user }: { connector: ConnectorVersions; source: SourceVersion; user: ConnectionVersion }) {
  const text = useText();
  const mark = markOf(user, user.version);
  if (isBad(user, user.version)) {
    return (
      <span className="flex flex-col py-2">
        <State state="needs_you" word={text("versions.isBad", { version: user.version })} />
        <span className="ps-6 break-words text-ink-muted">
          <Words>{mark?.bad_because ?? ""}</Words>
        </span>
      </span>
    );
  }
  const own = user.own && user.version !== source.version;
  return (
    <span className="flex flex-col text-ink-muted">
      {own && <span>{text(isBehind(connector, source.version, user.version) ? "versions.behind" : "versions.ahead")}</span>}
      {user.falls_back !== null && <span>{text("versions.watched", { version: user.falls_back })}</span>}
    </span>
  );
}

/** One click, and it can be taken back. */
function RollBack({ to, name, move, onRollBack }: { to: string | null; name: string; move: Move; onRollBack: () => void }) {
  const text = useText();
  if (to === null) return null;
  return (
    <Button size="small" icon={Undo2} disabled={move.pending} aria-label={text("versions.rollBackNamed", { name, version: to })} onClick={onRollBack}>
      {text("versions.rollBack", { version: to })}
    </Button>
  );
}
