import { createHashHistory, createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import type { Side } from "~/api/generated";
import { ConnectionsView } from "./ConnectionsView";
import { ConnectionView } from "./connection/ConnectionView";
import { InboxView } from "./InboxView";
import { RunsView } from "./RunsView";
import { Shell } from "./shell/Shell";
import { Broken, BrokenShell, NotFound } from "./shell/Broken";
import { WelcomeView } from "./WelcomeView";

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, errorComponent: BrokenShell });

const home = createRoute({ getParentRoute: () => root, path: "/", component: ConnectionsView });
const welcome = createRoute({ getParentRoute: () => root, path: "/welcome", component: WelcomeView });
const inbox = createRoute({
  getParentRoute: () => root,
  path: "/inbox",
  component: InboxView,
  validateSearch: (search): { connection?: string } => text(search, "connection"),
});
const runs = createRoute({ getParentRoute: () => root, path: "/runs", component: RunsView });
const settings = createRoute({
  getParentRoute: () => root,
  path: "/settings",
  component: lazyRouteComponent(() => import("./SettingsView")),
});
const wizard = createRoute({
  getParentRoute: () => root,
  path: "/new",
  component: lazyRouteComponent(() => import("./wizard/WizardView")),
  validateSearch: (search): { draft?: string } => text(search, "draft"),
});
const system = createRoute({
  getParentRoute: () => root,
  path: "/systems/$side/$name",
  component: lazyRouteComponent(() => import("./wizard/SystemView")),
  params: {
    parse: ({ side, name }): { side: Side; name: string } => ({ name, side: side === "destination" ? "destination" : "source" }),
    stringify: ({ side, name }) => ({ side, name }),
  },
});
const builder = createRoute({
  getParentRoute: () => root,
  path: "/builder",
  component: lazyRouteComponent(() => import("./BuilderView")),
  validateSearch: (search): { openapi?: string; connector?: string } => ({
    ...text(search, "openapi"),
    ...text(search, "connector"),
  }),
});
const versions = createRoute({
  getParentRoute: () => root,
  path: "/versions",
  component: lazyRouteComponent(() => import("./VersionsView")),
  validateSearch: (search): { connector?: string; to?: string } => ({
    ...text(search, "connector"),
    ...text(search, "to"),
  }),
});
const sql = createRoute({
  getParentRoute: () => root,
  path: "/sql",
  component: lazyRouteComponent(() => import("./SqlView")),
  validateSearch: (search): { destination?: string; table?: string } => ({
    ...text(search, "destination"),
    ...text(search, "table"),
  }),
});

export const connectionTabs = [
  "overview",
  "run",
  "data",
  "tables",
  "preview",
  "plan",
  "history",
  "compare",
  "log",
  "rejected",
] as const;
export type ConnectionTab = (typeof connectionTabs)[number];

const connection = createRoute({
  getParentRoute: () => root,
  path: "/connections/$name/$tab",
  component: ConnectionView,
  params: {
    parse: ({ name, tab }) => ({ name, tab: connectionTabs.find((known) => known === tab) ?? "overview" }),
    stringify: ({ name, tab }) => ({ name, tab }),
  },
  validateSearch: (search): { run?: string; table?: string; column?: string; reread?: string } => ({
    ...text(search, "run"),
    ...text(search, "table"),
    ...text(search, "column"),
    ...text(search, "reread"),
  }),
});

function text<Key extends string>(search: Record<string, unknown>, key: Key): Partial<Record<Key, string>> {
  const value = search[key];
  const found: Partial<Record<Key, string>> = {};
  if (typeof value === "string" || typeof value === "number") found[key] = String(value);
  return found;
}

export function makeRouter() {
  return createRouter({
    routeTree: root.addChildren([home, welcome, inbox, runs, settings, wizard, system, builder, versions, sql, connection]),
    // The page is one file in every host, so the place within it stands behind the #.
    history: createHashHistory(),
    defaultErrorComponent: Broken,
    defaultPreload: false,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
