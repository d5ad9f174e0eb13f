import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { ArrowUp, Blocks, Layers } from "lucide-react";
import { useAnswer } from "~/api/client";
import type { ConnectorVersions } from "~/api/generated";
import { attention, connectionsOf, newerFor } from "~/domains/versions/model";
import { UpgradeSheet } from "~/domains/versions/UpgradeSheet";
import { type Move, useMove } from "~/domains/versions/useMove";
import { UserTable } from "~/domains/versions/UserTable";
import { VersionTable } from "~/domains/versions/VersionTable";
import { useText } from "~/shared/text";
import { Answer } from "~/shared/ui/Answer";
import { Button } from "~/shared/ui/Button";
import { Empty } from "~/shared/ui/feedback";
import { PageHeader } from "~/shared/ui/layout";
import { Problem } from "~/shared/ui/Problem";
import { Badge } from "~/shared/ui/State";

/** The connectors that the project keeps in versions: side by side, forward and back. */
export default function VersionsView() {
  const text = useText();
  const navigate = useNavigate();
  const { connector, to } = useSearch({ from: "/versions" });
  const answer = useAnswer("connectors.versions", null);
  return (
    <>
      <PageHeader title={text("versions.title")} />
      <Answer of={answer} doing={text("versions.loading")}>
        {(all) => {
          const found = connector === undefined ? all[0] : all.find((each) => each.connector === connector);
          if (!found) {
            return (
              <Empty
                icon={Layers}
                sentence={all.length === 0 || connector === undefined ? text("versions.empty") : text("versions.gone", { name: connector })}
                actions={
                  <Button look="primary" icon={Blocks} onClick={() => void navigate({ to: "/builder" })}>
                    {text("versions.build")}
                  </Button>
                }
              />
            );
          }
          return (
            <div className="flex min-h-0 flex-1">
              {all.length > 1 && <Connectors all={all} shown={found} />}
              <Shown key={found.connector} connector={found} to={to} />
            </div>
          );
        }}
      </Answer>
    </>
  );
}

function Connectors({ all, shown }: { all: readonly ConnectorVersions[]; shown: ConnectorVersions }) {
  const text = useText();
  return (
    <nav aria-label={text("versions.list")} className="flex w-56 shrink-0 flex-col overflow-auto border-e border-border py-2">
      {all.map((each) => {
        const wants = attention(each);
        return (
          <Link
            key={each.connector}
            to="/versions"
            search={{ connector: each.connector }}
            aria-current={each === shown ? "page" : undefined}
            className="flex min-h-9 items-center gap-2 px-4 text-ink no-underline hover:bg-sunken aria-[current=page]:bg-accent-soft"
          >
            <bdi className="min-w-0 flex-1 truncate">{each.title}</bdi>
            {wants !== null && <Badge ink={wants === "bad" ? "bad" : "new"}>{text(`versions.attention.${wants}`)}</Badge>}
          </Link>
        );
      })}
    </nav>
  );
}

function Shown({ connector, to }: { connector: ConnectorVersions; to: string | undefined }) {
  const navigate = useNavigate();
  const move = useMove(connector.connector);
  const show = (version: string | null) => void navigate({ to: "/versions", search: { connector: connector.connector, ...(version !== null && { to: version }) } });
  if (to !== undefined && connector.versions.includes(to)) {
    return <UpgradeSheet key={to} connector={connector} to={to} move={move} onBack={() => show(null)} />;
  }
  return <Standings connector={connector} move={move} onPlan={show} />;
}

function Standings({ connector, move, onPlan }: { connector: ConnectorVersions; move: Move; onPlan: (version: string) => void }) {
  const text = useText();
  const navigate = useNavigate();
  const newer = connectionsOf(connector).map((user) => newerFor(connector, user)).find((version) => version !== null);
  return (
    <div className="flex min-w-0 flex-1 flex-col overflow-auto">
      <div className="flex items-center gap-3 px-6 py-4">
        <h2 className="text-title">
          <bdi>{connector.title}</bdi>
        </h2>
        <bdi className="font-mono text-code text-ink-muted">{connector.connector}</bdi>
        <div className="ms-auto flex gap-2">
          <Button icon={Blocks} onClick={() => void navigate({ to: "/builder", search: { connector: connector.connector } })}>
            {text("versions.change")}
          </Button>
          {newer !== undefined && newer !== null && (
            <Button look="primary" icon={ArrowUp} onClick={() => onPlan(newer)}>
              {text("versions.upgradeTo", { version: newer })}
            </Button>
          )}
        </div>
      </div>
      {move.error !== null && <Problem error={move.error} className="mx-6 mb-3" />}
      <VersionTable connector={connector} onPlan={onPlan} />
      <h2 className="px-6 pt-8 pb-3 text-heading">{text("versions.users")}</h2>
      {connector.sources.length === 0 ? (
        <p className="m-0 flex items-center gap-4 px-6 text-ink-muted">
          {text("versions.noUsers")}
          <Button onClick={() => void navigate({ to: "/new" })}>{text("versions.setUp")}</Button>
        </p>
      ) : (
        <UserTable connector={connector} move={move} />
      )}
    </div>
  );
}
