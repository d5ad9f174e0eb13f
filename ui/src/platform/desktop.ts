import { Channel, invoke } from "@tauri-apps/api/core";
import { type EventCallback, listen as hear } from "@tauri-apps/api/event";
import { type Answer, type LinkState, type Native, type Platform, TransportError } from "./platform";

/** A window of the desktop shell: requests by its command, events by a channel. `src-tauri/src/main.rs` lists both. */
export function desktopPlatform(): Platform {
  return {
    kind: "desktop",
    call,
    listen,
    copy,
    save: (name, _type, text) => void invoke("save", { name, text }),
    openExternal: (url) => void invoke("plugin:opener|open_url", { url }),
    native,
  };
}

/** Whether this page is in the window of the desktop shell. */
export function isDesktop(): boolean {
  return "__TAURI_INTERNALS__" in window;
}

let tickets = 0;

async function call(name: string, request: unknown, signal?: AbortSignal): Promise<Answer> {
  signal?.throwIfAborted();
  const ticket = signal ? (tickets += 1) : null;
  const cancel = () => void invoke("cancel", { ticket });
  signal?.addEventListener("abort", cancel);
  try {
    return { ok: true, value: await invoke("rpc", { name, request: request ?? null, ticket }) };
  } catch (error) {
    signal?.throwIfAborted();
    // The shell's own troubles are texts; what the engine refuses is an object.
    if (typeof error !== "object" || error === null || !("code" in error)) {
      throw new TransportError("The engine does not answer.", { cause: error });
    }
    return { ok: false, error };
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
}

function listen(onEvent: (event: unknown) => void, onLink: (state: LinkState) => void): () => void {
  let over = false;
  const channel = new Channel<unknown>((event) => {
    if (!over) onEvent(event);
  });
  onLink("connecting");
  invoke("events", { channel }).then(
    () => !over && onLink("up"),
    () => !over && onLink("lost"),
  );
  return () => {
    over = true;
  };
}

async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Web views grant the clipboard only shortly after a key or click; the old way asks nobody.
    const area = document.createElement("textarea");
    area.value = text;
    area.style.position = "fixed";
    area.style.opacity = "0";
    document.body.append(area);
    const before = document.activeElement;
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    if (before instanceof HTMLElement) before.focus();
    if (!copied) throw new Error("The clipboard is not available.");
  }
}

const native: Native = {
  drawn: (dark) => invoke<string | null>("ready", { dark }),
  present: (groups, words) => invoke("present", { groups, words }),
  pickFolder: () => invoke<string | null>("pick"),
  toFront: () => void invoke("front"),
  onCommand: (run) => on("command", run),
  onPlace: (go) => on("go", go),
};

function on(event: "command" | "go", handle: (payload: string) => void): () => void {
  const callback: EventCallback<string> = ({ payload }) => handle(payload);
  const listening = hear<string>(event, callback);
  return () => void listening.then((stop) => stop());
}
