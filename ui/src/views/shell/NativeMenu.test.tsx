import { createHashHistory, createRootRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import { act, render } from "@testing-library/react";
import { useMemo } from "react";
import { expect, it, vi } from "vitest";
import { type NativeGroup, PlatformContext } from "~/platform";
import { type Command, useCommands } from "~/shared/commands";
import { TextProvider } from "~/shared/text";
import { fixturePlatform } from "../../../test/fixture/platform";
import { NativeMenu } from "./NativeMenu";

it("shows the commands of every screen, keeps the keys of text free, and runs what is chosen", async () => {
  const run = vi.fn<() => void>();
  const shown: NativeGroup[][] = [];
  let choose: (id: string) => void = () => undefined;
  function Screen() {
    const commands = useMemo<Command[]>(
      () => [
        { id: "home", title: "Home", group: "navigate", shortcut: "mod+1", run },
        { id: "back", title: "Back", group: "navigate", shortcut: "alt+left", run },
        { id: "connection.log", title: "Log", group: "navigate", shortcut: "mod+j", run },
        { id: "off", title: "Off", group: "help", disabled: true, run },
      ],
      [],
    );
    useCommands(commands);
    return <NativeMenu />;
  }
  const platform = {
    ...fixturePlatform(),
    native: {
      drawn: async () => null,
      present: async (groups: NativeGroup[]) => void shown.push(groups),
      onCommand: (chosen: (id: string) => void) => {
        choose = chosen;
        return () => undefined;
      },
      pickFolder: async () => null,
      toFront: () => undefined,
      onPlace: () => () => undefined,
    },
  };
  const router = createRouter({ routeTree: createRootRoute({ component: Screen }), history: createHashHistory() });
  render(
    <PlatformContext value={platform}>
      <TextProvider>
        <RouterProvider router={router as never} />
      </TextProvider>
    </PlatformContext>,
  );
  await vi.waitFor(() => expect(shown.at(-1)).toHaveLength(2));
  const entries = shown.at(-1)?.flatMap(({ commands }) => commands.map(({ id, enabled, shortcut }) => [id, enabled, shortcut]));
  expect(entries).toEqual([["home", true, "mod+1"], ["back", true, null], ["off", false, null]]);
  act(() => choose("home"));
  act(() => choose("off"));
  act(() => choose("gone"));
  expect(run).toHaveBeenCalledOnce();
});
