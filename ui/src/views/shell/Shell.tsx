import { Outlet, useNavigate, useRouter, useRouterState } from "@tanstack/react-router";
import { Blocks, Cable, FolderOpen, Inbox, Keyboard, Layers, PanelLeft, Play, Plus, Search, Settings, SunMoon, Table2, Trash2 } from "lucide-react";
import { useMemo, useState } from "react";
import { useAnswer } from "~/api/client";
import { useLiveRuns } from "~/live/runs";
import { type Command, useCommands, useShortcuts } from "~/shared/commands";
import { useAppearance, useSettings } from "~/shared/settings";
import { useText } from "~/shared/text";
import { type FixButtons, FixContext } from "~/shared/ui/fixes";
import { RemoveSampleDialog } from "../settings/RemoveSampleDialog";
import { useHasSample } from "../settings/sample";
import { EngineGone } from "./EngineGone";
import { NativeMenu } from "./NativeMenu";
import { OpenProjectDialog } from "./OpenProjectDialog";
import { Palette } from "./Palette";
import { ShortcutSheet } from "./ShortcutSheet";
import { Sidebar } from "./Sidebar";
import { StatusBar } from "./StatusBar";

/** What stands around every view. */
export function Shell() {
  const text = useText();
  const [palette, setPalette] = useState(false);
  const [sheet, setSheet] = useState(false);
  useAppearance();
  useShortcuts();
  const [opening, setOpening] = useState(false);
  useShellCommands(setPalette, setSheet, setOpening);
  const [removing, setRemoving] = useState(false);
  useSampleCommand(setRemoving);
  const places = usePlaces();
  const fixes = useFixes();
  const path = useRouterState({ select: ({ location }) => location.pathname });

  const connections = useAnswer("connections.list", null).data;
  const inbox = useAnswer("inbox.list", null).data;
  const running = useLiveRuns(({ runs }) => Object.values(runs).filter((run) => !run.receipt).length);
  const hasSql = connections?.some((connection) => connection.destination.connector === "duckdb") ?? false;
  return (
    <div className="flex h-full flex-col">
      <a
        href="#content"
        onClick={(event) => {
          event.preventDefault();
          document.querySelector<HTMLElement>("#content")?.focus();
        }}
        className="sr-only focus:not-sr-only focus:absolute focus:z-toast focus:m-2 focus:rounded-control focus:bg-raised focus:p-2"
      >
        {text("shell.skip")}
      </a>
      <EngineGone />
      <NativeMenu />
      <div className="flex min-h-0 flex-1">
        <Sidebar counts={{ connections: connections?.length, inbox: inbox?.length, running }} hasSql={hasSql} narrow={path === "/new" || path === "/builder"} />
        <main id="content" data-region tabIndex={-1} className="flex min-w-0 flex-1 flex-col">
          <FixContext value={fixes}>
            <Outlet />
          </FixContext>
        </main>
      </div>
      <StatusBar running={running} />
      <Palette open={palette} onClose={() => setPalette(false)} extra={places} />
      <OpenProjectDialog open={opening} onClose={() => setOpening(false)} />
      <RemoveSampleDialog open={removing} onClose={() => setRemoving(false)} />
      <ShortcutSheet open={sheet} onClose={() => setSheet(false)} />
    </div>
  );
}

type SetOpen = (open: boolean) => void;

function useShellCommands(setPalette: SetOpen, setSheet: SetOpen, setOpening: SetOpen): void {
  const text = useText();
  const navigate = useNavigate();
  const { history } = useRouter();
  const set = useSettings((settings) => settings.set);
  const commands = useMemo<Command[]>(() => {
    const toggleTheme = () => {
      const dark = document.documentElement.dataset["theme"] === "dark";
      set({ theme: dark ? "light" : "dark" });
    };
    return [
      { id: "palette", title: text("command.palette"), group: "view", icon: Search, shortcut: "mod+k", run: () => setPalette(true) },
      { id: "new", title: text("command.new"), group: "connection", icon: Plus, shortcut: "mod+n", words: "source add", run: () => void navigate({ to: "/new" }) },
      { id: "open", title: text("command.openProject"), group: "connection", icon: FolderOpen, shortcut: "mod+o", words: "folder project file", run: () => setOpening(true) },
      { id: "home", title: text("command.home"), group: "navigate", icon: Cable, shortcut: "mod+1", run: () => void navigate({ to: "/" }) },
      { id: "inbox", title: text("command.inbox"), group: "navigate", icon: Inbox, shortcut: "mod+2", words: "drift schema", run: () => void navigate({ to: "/inbox" }) },
      { id: "runs", title: text("command.runs"), group: "navigate", icon: Play, shortcut: "mod+3", words: "history", run: () => void navigate({ to: "/runs" }) },
      { id: "builder", title: text("command.builder"), group: "navigate", icon: Blocks, shortcut: "mod+5", words: "connector openapi api manifest", run: () => void navigate({ to: "/builder" }) },
      { id: "versions", title: text("versions.title"), group: "navigate", icon: Layers, words: "connector upgrade roll back rehearse", run: () => void navigate({ to: "/versions" }) },
      { id: "settings", title: text("command.settings"), group: "navigate", icon: Settings, shortcut: "mod+,", words: "preferences theme language", run: () => void navigate({ to: "/settings" }) },
      { id: "back", title: text("command.back"), group: "navigate", shortcut: "alt+left", run: () => history.back() },
      { id: "forward", title: text("command.forward"), group: "navigate", shortcut: "alt+right", run: () => history.forward() },
      { id: "theme", title: text("command.theme"), group: "view", icon: SunMoon, words: "appearance", run: toggleTheme },
      {
        id: "sidebar",
        title: text("command.sidebar"),
        group: "view",
        icon: PanelLeft,
        shortcut: "mod+b",
        run: () => set({ sidebarCollapsed: !useSettings.getState().sidebarCollapsed }),
      },
      { id: "regions", title: text("command.regions"), group: "view", shortcut: "f6", run: () => nextRegion(1) },
      { id: "regions.back", title: text("command.regionsBack"), group: "view", shortcut: "shift+f6", run: () => nextRegion(-1) },
      { id: "shortcuts", title: text("command.shortcuts"), group: "help", icon: Keyboard, shortcut: "mod+/", words: "keys", run: () => setSheet(true) },
    ];
  }, [text, navigate, history, set, setPalette, setSheet, setOpening]);
  useCommands(commands);
}

/** What can be done about a failure wherever it is shown; views add what they can do. */
function useFixes(): FixButtons {
  const text = useText();
  const navigate = useNavigate();
  return useMemo(() => ({ open_inbox: [{ label: text("fix.openInbox"), run: () => void navigate({ to: "/inbox" }) }] }), [text, navigate]);
}

/** Only where there is a sample. */
function useSampleCommand(ask: (open: boolean) => void): void {
  const text = useText();
  const has = useHasSample();
  const commands = useMemo<Command[]>(
    () =>
      has
        ? [{ id: "sample.remove", title: text("sample.remove"), group: "connection", icon: Trash2, words: "delete example demo", run: () => ask(true) }]
        : [],
    [text, has, ask],
  );
  useCommands(commands);
}

/** Connections and tables, for the palette. */
function usePlaces(): Command[] {
  const text = useText();
  const navigate = useNavigate();
  const connections = useAnswer("connections.list", null).data;
  return useMemo(
    () =>
      (connections ?? []).flatMap(({ name, tables }) => [
        {
          id: `go:connection:${name}`,
          title: text("command.open", { name }),
          group: "connection" as const,
          icon: Cable,
          run: () => void navigate({ to: "/connections/$name/$tab", params: { name, tab: "overview" } }),
        },
        {
          id: `go:plan:${name}`,
          title: text("command.plan", { name }),
          group: "run" as const,
          words: "sync",
          run: () => void navigate({ to: "/connections/$name/$tab", params: { name, tab: "plan" } }),
        },
        ...tables.map((table) => ({
          id: `go:table:${name}:${table}`,
          title: `${name} › ${table}`,
          group: "navigate" as const,
          icon: Table2,
          run: () => void navigate({ to: "/connections/$name/$tab", params: { name, tab: "data" }, search: { table } }),
        })),
      ]),
    [text, navigate, connections],
  );
}

/** F6: from sidebar to page to status bar. */
function nextRegion(step: 1 | -1): void {
  const regions = [...document.querySelectorAll<HTMLElement>("[data-region]")];
  const at = regions.findIndex((region) => region.contains(document.activeElement));
  const next = regions.at((at + step + regions.length) % regions.length);
  const inside = next?.querySelector<HTMLElement>("a[href], button:not(:disabled), input, [tabindex='0']");
  (inside ?? next)?.focus();
}
