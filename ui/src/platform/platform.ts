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
}

export type Answer = { ok: true; value: unknown } | { ok: false; error: unknown };

/** The engine could not be reached at all. */
export class TransportError extends Error {
  override name = "TransportError";
}
