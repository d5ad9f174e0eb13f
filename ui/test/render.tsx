import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { Tooltip } from "@base-ui/react/tooltip";
import { render as renderBare } from "@testing-library/react";
import type { ReactElement } from "react";
import { type Platform, PlatformContext } from "~/platform";
import { TextProvider } from "~/shared/text";
import { fixturePlatform } from "./fixture/platform";

/** Renders a part of the interface with everything above it that it may ask for. */
export function render(element: ReactElement, platform: Platform = fixturePlatform()) {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const view = renderBare(
    <PlatformContext value={platform}>
      <QueryClientProvider client={queries}>
        <TextProvider>
          <Tooltip.Provider>{element}</Tooltip.Provider>
        </TextProvider>
      </QueryClientProvider>
    </PlatformContext>,
  );
  return { ...view, queries };
}
