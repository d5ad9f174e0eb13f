import { render } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { App } from "~/App";
import { fixturePlatform } from "../test/fixture/platform";

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

it("says that it is drawn although its window is hidden, where no animation frame ever comes", async () => {
  vi.stubGlobal("matchMedia", (query: string) => Object.assign(new EventTarget(), { matches: false, media: query }));
  vi.spyOn(document, "hidden", "get").mockReturnValue(true);
  vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
  vi.spyOn(window, "requestAnimationFrame").mockReturnValue(1);
  const drawn = vi.fn<(dark: boolean) => Promise<null>>(async () => null);
  const native = { drawn, present: async () => undefined, onCommand: () => () => undefined, pickFolder: async () => null, toFront: () => undefined, onPlace: () => () => undefined };
  render(<App platform={{ ...fixturePlatform(), native }} />);
  await vi.waitFor(() => expect(drawn).toHaveBeenCalled());
});
