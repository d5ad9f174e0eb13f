import { Link } from "@tanstack/react-router";
import { Blocks, Layers, Link2 } from "lucide-react";
import { type ReactNode, useMemo, useState } from "react";
import { useAction, useAnswer } from "~/api/client";
import type { Badge as Noticed, Category, ConnectorInfo, Side, SystemInfo } from "~/api/generated";
import { ranked } from "~/shared/search";
import { useText } from "~/shared/text";
import { Answer } from "~/shared/ui/Answer";
import { Button } from "~/shared/ui/Button";
import { Empty } from "~/shared/ui/feedback";
import { SearchInput } from "~/shared/ui/layout";
import { Problem } from "~/shared/ui/Problem";
import { Badge } from "~/shared/ui/State";
import { ConnectorIcon } from "./ConnectorIcon";
import { fromAddress, isAddress, type Pasted } from "./form";
import { isDescription, ManifestDrop, type OriginFilter, Origins } from "./origin";

interface CatalogueProps {
  side: Side;
  onExisting: (system: SystemInfo) => void;
  /** `pasted` when it was found by an address. */
  onConnector: (connector: ConnectorInfo, pasted: Pasted | null) => void;
  /** Makes a connector instead; with the address of a description. */
  onBuild: (address: string | null) => void;
}

/** Systems that are set up already, then everything that can be set up. */
export function Catalogue({ side, onExisting, onConnector, onBuild }: CatalogueProps) {
  const text = useText();
  const connectors = useAnswer("connectors.list", null);
  const systems = useAnswer("systems.list", null);
  const [query, setQuery] = useState("");
  const [origin, setOrigin] = useState<OriginFilter>("all");
  const reading = useAddress(side, onConnector);
  const own = systems.data?.filter((system) => system.side === side) ?? [];
  const ownShown = ranked(own, query, (system) => `${system.name} ${system.title} ${system.summary}`);

  // Enter takes what stands first, as the eye does.
  const pickFirst = (offered: readonly ConnectorInfo[]) => {
    if (query.trim() === "") return;
    const [system] = ownShown;
    const [connector] = matching(offered, query);
    if (system) onExisting(system);
    else if (connector) onConnector(connector, null);
  };
  return (
    <Answer of={connectors} doing={text("wizard.loading")}>
      {(all) => {
        const possible = all.filter((connector) => (side === "source" ? connector.source : connector.destination));
        const offered = possible.filter((connector) => origin === "all" || connector.origin === origin);
        return (
          <div className="flex min-h-0 flex-1 flex-col gap-4">
            <SearchInput
              label={text("wizard.search")}
              value={query}
              // Choosing a connector is all this step is about.
              // oxlint-disable-next-line jsx-a11y/no-autofocus
              autoFocus
              onValue={setQuery}
              onKeyDown={(event) => {
                if (event.key !== "Enter") return;
                if (isDescription(query)) onBuild(query.trim());
                else if (isAddress(query)) void reading.use(query, offered);
                else pickFirst(offered);
              }}
            />
            {side === "source" && <Origins offered={possible} value={origin} onValue={setOrigin} />}
            {isDescription(query) && side === "source" ? (
              <ul className="m-0 list-none p-0">
                <Row icon={<Blocks size={20} strokeWidth={1.5} aria-hidden className="shrink-0 text-ink-muted" />} title={text("wizard.openapi")} line={text("wizard.openapiHelp")} onPick={() => onBuild(query.trim())} />
              </ul>
            ) : isAddress(query) ? (
              <Address address={query} reading={reading} onUse={() => void reading.use(query, offered)} />
            ) : (
              <>
            {ownShown.length > 0 && (
              <section>
                <h3 className="pb-1 text-caption font-medium text-ink-muted">{text("wizard.existing")}</h3>
                <ul className="m-0 list-none p-0">
                  {ownShown.map((system) => (
                    <Row
                      key={system.name}
                      icon={<ConnectorIcon name={system.connector} icon={all.find(({ name }) => name === system.connector)?.icon} />}
                      title={system.name}
                      line={`${system.title} · ${system.summary}`}
                      onPick={() => onExisting(system)}
                    />
                  ))}
                </ul>
              </section>
            )}
            <Offered
              offered={offered}
              query={query}
              origin={origin}
              onClear={() => {
                setQuery("");
                setOrigin("all");
              }}
              onPick={(connector) => onConnector(connector, null)}
              onBuild={side === "source" ? () => onBuild(null) : null}
            />
            {side === "source" && <ManifestDrop taken={named(all)} own={named(all.filter((connector) => connector.origin !== "program"))} />}
              </>
            )}
          </div>
        );
      }}
    </Answer>
  );
}

function named(connectors: readonly ConnectorInfo[]): ReadonlySet<string> {
  return new Set(connectors.map(({ name }) => name));
}

function matching(offered: readonly ConnectorInfo[], query: string): readonly ConnectorInfo[] {
  return ranked(offered, query, ({ title, name, aliases, description }) => [title, name, ...aliases, description].join(" "));
}

interface Reading {
  /** The address that no connector knows. */
  unknown: string | null;
  error: unknown;
  use: (address: string, offered: readonly ConnectorInfo[]) => Promise<void>;
}

/** Reads an address with the engine. Only when the person says so: an address may hold a password. */
function useAddress(side: Side, onConnector: CatalogueProps["onConnector"]): Reading {
  const read = useAction("connectors.address");
  const [unknown, setUnknown] = useState<string | null>(null);
  const use = async (address: string, offered: readonly ConnectorInfo[]) => {
    if (read.pending) return;
    const answer = await read.run({ side, address: address.trim() });
    if (answer === undefined) return;
    const connector = offered.find(({ name }) => name === answer?.connector);
    if (answer && connector) onConnector(connector, fromAddress(answer, address));
    else setUnknown(address);
  };
  return { unknown, error: read.error, use };
}

function Address({ address, reading, onUse }: { address: string; reading: Reading; onUse: () => void }) {
  const text = useText();
  return (
    <div className="flex flex-col gap-3">
      <ul className="m-0 list-none p-0">
        <Row icon={<Link2 size={20} strokeWidth={1.5} aria-hidden className="shrink-0 text-ink-muted" />} title={text("wizard.address")} line={text("wizard.addressHelp")} onPick={onUse} />
      </ul>
      {reading.unknown === address && (
        <p role="alert" className="m-0 px-3 text-bad">
          {text("wizard.addressUnknown", { scheme: address.trim().split("://")[0] ?? "" })}
        </p>
      )}
      {reading.error !== null && <Problem error={reading.error} />}
    </div>
  );
}

interface OfferedProps {
  offered: readonly ConnectorInfo[];
  query: string;
  origin: OriginFilter;
  onClear: () => void;
  onPick: (connector: ConnectorInfo) => void;
  /** Null: what is offered cannot be made. */
  onBuild: (() => void) | null;
}

function Offered({ offered, query, origin, onClear, onPick, onBuild }: OfferedProps) {
  const text = useText();
  const shown = useMemo(() => matching(offered, query), [offered, query]);
  // What has no connector of its own can mostly give out files.
  const files = offered.find(({ name }) => name === "files");
  if (shown.length === 0) {
    return (
      <Empty
        sentence={query === "" && (origin === "built" || origin === "imported") ? text(`wizard.originEmpty.${origin}`) : text("wizard.noMatch", { query })}
        actions={
          <>
            {onBuild && (
              <Button look="primary" icon={Blocks} onClick={onBuild}>
                {text("wizard.buildApi")}
              </Button>
            )}
            <Button onClick={onClear}>{text("wizard.clearSearch")}</Button>
            {files && <Button onClick={() => onPick(files)}>{text("wizard.useFiles")}</Button>}
          </>
        }
      />
    );
  }
  // What was searched for comes best first; otherwise everything stands under its heading.
  const groups =
    query.trim() === ""
      ? headings.map((category) => ({ category, heading: text(`wizard.category.${category}`) }))
      : [{ category: null, heading: text("wizard.catalogue") }];
  return groups.map(({ category, heading }) => {
    const rows = shown.filter((connector) => category === null || connector.category === category);
    if (rows.length === 0) return null;
    return (
      <section key={heading}>
        <h3 className="pb-1 text-caption font-medium text-ink-muted">{heading}</h3>
        <ul className="m-0 list-none p-0">
          {rows.map((connector) => (
            <Row
              key={connector.name}
              icon={<ConnectorIcon name={connector.name} icon={connector.icon} />}
              title={connector.title}
              line={connector.description}
              badges={connector.source ? connector.badges : []}
              isNew={connector.maturity === "new"}
              edit={connector.origin === "program" ? null : connector.name}
              onPick={() => onPick(connector)}
            />
          ))}
        </ul>
      </section>
    );
  });
}

const headings: readonly Category[] = ["databases", "files", "apps"];

interface RowProps {
  icon: ReactNode;
  title: string;
  line: string;
  badges?: readonly Noticed[];
  isNew?: boolean;
  /** The connector that can be changed in the builder. */
  edit?: string | null;
  onPick: () => void;
}

const asIcon = "flex size-8 shrink-0 items-center justify-center rounded-control text-ink-muted hover:bg-sunken";
const NO_BADGES: readonly Noticed[] = [];

function Row({ icon, title, line, badges = NO_BADGES, isNew = false, edit = null, onPick }: RowProps) {
  const text = useText();
  return (
    <li className="flex items-center border-b border-border">
      <button
        type="button"
        onClick={onPick}
        className="flex min-h-12 w-full items-center gap-4 border-0 bg-transparent px-3 py-2 text-start outline-offset-[-2px] hover:bg-sunken"
      >
        {icon}
        <bdi className="w-40 shrink-0 truncate font-medium">{title}</bdi>
        <span className="min-w-0 flex-1 text-ink-muted">{line}</span>
        {badges.length > 0 && (
          <span className="hidden text-caption whitespace-nowrap text-ink-muted lg:inline">
            {badges.map((badge) => text(`wizard.badge.${badge}`)).join(" · ")}
          </span>
        )}
        {isNew && <Badge>{text("wizard.new")}</Badge>}
      </button>
      {edit !== null && (
        <>
          <Link to="/versions" search={{ connector: edit }} aria-label={text("wizard.versions", { name: title })} title={text("wizard.versions", { name: title })} className={asIcon}>
            <Layers size={16} strokeWidth={1.5} aria-hidden />
          </Link>
          <Link to="/builder" search={{ connector: edit }} aria-label={text("wizard.edit", { name: title })} title={text("wizard.edit", { name: title })} className={asIcon}>
            <Blocks size={16} strokeWidth={1.5} aria-hidden />
          </Link>
        </>
      )}
    </li>
  );
}
