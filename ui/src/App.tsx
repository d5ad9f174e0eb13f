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
    if (!platform.native) return;
    return onceSettled(queries, () => {
      const dark = document.documentElement.dataset["theme"] === "dark";
      void platform.native?.drawn(dark).then((place) => place && router.history.push(place));
    });
  }, [platform, router, queries]);
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

/** An engine that has not answered by then is shown without its answers. */
const SETTLED_AT_LATEST_MS = 1_000;
/** What most of the window is written in. */
const LETTERS = "13px Inter";

/** Once everything that the first screen asked for is there: a window appears with its content. Nothing here waits for an
 * animation frame, because there is none while the window is hidden. */
function onceSettled(queries: QueryClient, show: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let lettered = false;
  const look = () => {
    clearTimeout(timer);
    // After the screen has been drawn with the answer, and asked for what it needs then.
    if (lettered && queries.isFetching() === 0) timer = setTimeout(over);
  };
  // A page that is not seen does not ask for its letters by itself.
  void document.fonts?.load(LETTERS).catch(() => undefined).then(() => {
    lettered = true;
    look();
  });
  const latest = setTimeout(over, SETTLED_AT_LATEST_MS);
  const unsubscribe = queries.getQueryCache().subscribe(look);
  function over() {
    stop();
    show();
  }
  function stop() {
    unsubscribe();
    clearTimeout(timer);
    clearTimeout(latest);
  }
  return stop;
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
