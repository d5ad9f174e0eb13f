import { Link } from "@tanstack/react-router";
import clsx from "clsx";
import { Blocks, Cable, House, Inbox, type LucideIcon, PanelLeftClose, PanelLeftOpen, Play, Settings, SquareTerminal } from "lucide-react";
import { useSettings } from "~/shared/settings";
import { useText } from "~/shared/text";
import { IconButton } from "~/shared/ui/Button";
import { Tooltip } from "~/shared/ui/Tooltip";
import { Mark } from "./Mark";

export interface Counts {
  connections: number | undefined;
  inbox: number | undefined;
  running: number;
}

interface SidebarProps {
  counts: Counts;
  hasSql: boolean;
  /** The view needs the width: only icons, whatever was chosen. */
  narrow: boolean;
}

/** The places one can be. Labels collapse to icons; the names stay in tooltips and for screen readers. */
export function Sidebar({ counts, hasSql, narrow }: SidebarProps) {
  const text = useText();
  const collapsed = useSettings((settings) => settings.sidebarCollapsed) || narrow;
  const set = useSettings((settings) => settings.set);
  return (
    <nav
      aria-label={text("shell.navigation")}
      data-region
      tabIndex={-1}
      className={clsx(
        "flex shrink-0 flex-col border-e border-border bg-sunken",
        collapsed ? "w-13" : "w-56",
      )}
    >
      <div className={clsx("flex h-12 items-center gap-2", collapsed ? "justify-center" : "px-4")}>
        <Mark />
        {!collapsed && <span className="text-heading font-semibold">Syncline</span>}
      </div>
      <div className="flex flex-1 flex-col gap-1 px-2 pt-2">
        <Item to="/" icon={Cable} label={text("shell.connections")} count={counts.connections} collapsed={collapsed} />
        <Item to="/inbox" icon={Inbox} label={text("shell.inbox")} count={counts.inbox} collapsed={collapsed} strong />
        <Item to="/runs" icon={Play} label={text("shell.runs")} count={counts.running} collapsed={collapsed} />
        <Item to="/builder" icon={Blocks} label={text("shell.builder")} collapsed={collapsed} />
        {hasSql && <Item to="/sql" icon={SquareTerminal} label={text("shell.sql")} collapsed={collapsed} />}
        {!collapsed && (
          <div className="mt-6 flex flex-col gap-1 px-2">
            <span className="text-caption font-medium text-ink-subtle">{text("shell.places")}</span>
            <span className="flex h-7 items-center gap-2 text-ink-muted">
              <House size={16} strokeWidth={1.5} aria-hidden />
              {text("shell.thisComputer")}
            </span>
          </div>
        )}
      </div>
      <div className="flex flex-col gap-1 px-2 pb-2">
        <Item to="/settings" icon={Settings} label={text("shell.settings")} collapsed={collapsed} />
        {!narrow && <IconButton
          icon={collapsed ? PanelLeftOpen : PanelLeftClose}
          label={text(collapsed ? "shell.expand" : "shell.collapse")}
          onClick={() => set({ sidebarCollapsed: !collapsed })}
          className={collapsed ? "self-center" : "ms-1"}
        />}
      </div>
    </nav>
  );
}

interface ItemProps {
  to: "/" | "/inbox" | "/runs" | "/builder" | "/sql" | "/settings";
  icon: LucideIcon;
  label: string;
  count?: number | undefined;
  collapsed: boolean;
  /** The count asks for attention. */
  strong?: boolean;
}

function Item({ to, icon: Icon, label, count, collapsed, strong = false }: ItemProps) {
  const link = (
    <Link
      to={to}
      activeOptions={{ exact: to === "/" }}
      className={clsx(
        "flex h-8 items-center gap-2 rounded-control text-ink-muted no-underline hover:bg-surface hover:text-ink aria-[current=page]:bg-surface aria-[current=page]:font-medium aria-[current=page]:text-ink",
        collapsed ? "justify-center" : "px-2",
      )}
    >
      <Icon size={16} strokeWidth={1.5} aria-hidden />
      <span className={clsx("flex-1", collapsed && "sr-only")}>{label}</span>
      {count !== undefined && count > 0 && !collapsed && (
        <span className={clsx("num text-caption", strong ? "rounded-pill bg-warn-soft px-2 font-medium text-warn" : "text-ink-subtle")}>
          {count}
        </span>
      )}
    </Link>
  );
  return collapsed ? <Tooltip text={label}>{link}</Tooltip> : link;
}
