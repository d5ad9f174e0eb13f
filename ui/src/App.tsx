import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { Tooltip } from "@base-ui/react/tooltip";
import { useEffect, useState } from "react";
import { EngineError } from "~/api/client";
import { Live } from "~/live/Live";
import { type Platform, PlatformContext } from "~/platform";
import { TextProvider } from "~/shared/text";
import { Toasts } from "~/shared/ui/toast";
import { makeRouter } from "~/views/router";

export function App({ platform }: { platform: Platform }) {
  const [router] = useState(makeRouter);
  const [queries] = useState(makeQueries);
  useEffect(() => {
    // Not in an animation frame: there is none while the window is hidden.
    const timer = setTimeout(() => {
      const dark = document.documentElement.dataset["theme"] === "dark";
      void platform.native?.drawn(dark).then((place) => place && router.history.push(place));
    });
    return () => clearTimeout(timer);
  }, [platform, router]);
  return (
    <PlatformContext value={platform}>
      <QueryClientProvider client={queries}>
        <TextProvider>
          <Tooltip.Provider delay={400}>
            <Toasts>
              <Live />
              <RouterProvider router={router} />
            </Toasts>
          </Tooltip.Provider>
        </TextProvider>
      </QueryClientProvider>
    </PlatformContext>
  );
}

function makeQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // Answers stay true until an event says otherwise.
        staleTime: Number.POSITIVE_INFINITY,
        refetchOnWindowFocus: false,
        // What the engine refuses it will refuse again.
        retry: (failures, error) => !(error instanceof EngineError) && failures < 2,
        networkMode: "always",
      },
    },
  });
}
