/** Whether the engine can be heard. `lost`: it was there and went away; the link is tried again by itself. */
export type LinkState = "connecting" | "up" | "lost";

/** What the interface needs from whoever hosts it. Nothing outside this folder knows which host that is. */
export interface Platform {
  readonly kind: "browser" | "desktop";

  /** Sends a request to the engine. Rejects with a {@link TransportError} when no answer came; an answer that says
   * no resolves with `ok: false` and the error as the engine sent it. */
  call(name: string, request: unknown, signal?: AbortSignal): Promise<Answer>;

  /** Hears all events of the engine until the returned function is called. */
  listen(onEvent: (event: unknown) => void, onLink: (state: LinkState) => void): () => void;

  copy(text: string): Promise<void>;
  save(name: string, type: string, text: string): void;
  openExternal(url: string): void;

  /** What only a window of its own has. */
  readonly native?: Native;
}

/** The window around the page: its menu, and what comes from outside. */
export interface Native {
  /** The page is drawn, in this theme: it can be seen now. Answers where a link leads that came before. */
  drawn(dark: boolean): Promise<string | null>;
  /** Shows this menu from now on, and says things in these words. */
  present(groups: NativeGroup[], words: NativeWords): Promise<void>;
  /** Lets the person choose a folder with the dialog of the system; null when none was chosen. */
  pickFolder(): Promise<string | null>;
  /** Brings the window to the front. */
  toFront(): void;
  onCommand(run: (id: string) => void): () => void;
  /** Somebody followed a link to a place in the studio. */
  onPlace(go: (path: string) => void): () => void;
}

export interface NativeGroup {
  title: string;
  commands: { id: string; title: string; enabled: boolean; shortcut: string | null }[];
}

/** `{name}` in them stands for the connection. */
export interface NativeWords {
  show: string;
  quit: string;
  edit: string;
  running: string;
  background: string;
  failed: string;
  decision: string;
  decide: string;
}

export type Answer = { ok: true; value: unknown } | { ok: false; error: unknown };

/** The engine could not be reached at all. */
export class TransportError extends Error {
  override name = "TransportError";
}
