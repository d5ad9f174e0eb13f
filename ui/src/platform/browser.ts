import { type Answer, type LinkState, type Platform, TransportError } from "./platform";

const RETRY_FIRST_MS = 250;
const RETRY_MAX_MS = 5_000;

/** A browser on the page that `syncline serve` gives out: requests by HTTP, events by WebSocket. */
export function browserPlatform(): Platform {
  return {
    kind: "browser",
    call,
    listen,
    copy: (text) => navigator.clipboard.writeText(text),
    save,
    openExternal: (url) => void window.open(url, "_blank", "noopener,noreferrer"),
  };
}

async function call(name: string, request: unknown, signal?: AbortSignal): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(`/rpc/${encodeURIComponent(name)}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(request ?? null),
      ...(signal && { signal }),
    });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new TransportError("The engine does not answer.", { cause });
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok) return { ok: true, value: body };
  if (body === undefined) throw new TransportError(`The engine answered with status ${response.status}.`);
  return { ok: false, error: body };
}

function listen(onEvent: (event: unknown) => void, onLink: (state: LinkState) => void): () => void {
  let socket: WebSocket | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let pause = RETRY_FIRST_MS;
  let over = false;

  const connect = () => {
    const url = new URL("/events", location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    socket = new WebSocket(url);
    socket.addEventListener("open", () => {
      pause = RETRY_FIRST_MS;
      onLink("up");
    });
    socket.addEventListener("message", ({ data }: MessageEvent<string>) => onEvent(JSON.parse(data)));
    socket.addEventListener("close", () => {
      if (over) return;
      onLink("lost");
      timer = setTimeout(connect, pause);
      pause = Math.min(pause * 2, RETRY_MAX_MS);
    });
  };

  onLink("connecting");
  connect();
  return () => {
    over = true;
    clearTimeout(timer);
    socket?.close();
  };
}

function save(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
