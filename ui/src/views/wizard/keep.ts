import { useCallback, useEffect, useRef, useState } from "react";
import { send, useAction, useInvalidate } from "~/api/client";
import { requestTags } from "~/api/generated";
import { freeName } from "~/domains/systems/SystemSetup";
import { usePlatform } from "~/platform";
import { contentOf, isEmpty, restored, titleOf, useDraft } from "./draft";

const KEEP_AFTER_MS = 600;

interface Target {
  name: string | undefined;
  /** Whether the page went on to something else. */
  left: boolean;
}

interface KeptDraft {
  ready: boolean;
  /** Why the draft could not be opened. */
  error: unknown;
  /** Whether what is on screen is kept; null while there is nothing to keep. */
  kept: boolean | null;
  /** Forgets the draft: it became a connection. */
  discard: () => Promise<void>;
}

/** Opens a draft, and keeps it with the engine while it changes. A new one gets its name with the first thing that is
 * worth keeping; `onNamed` puts that into the address of the page. */
export function useKeptDraft(wanted: string | undefined, onNamed: (name: string) => void): KeptDraft {
  const platform = usePlatform();
  const invalidate = useInvalidate();
  const { run: save } = useAction("drafts.save");
  const { run: remove } = useAction("drafts.remove");
  const [opened, setOpened] = useState<{ wanted: string | undefined; error: unknown } | null>(null);
  const [named, setNamed] = useState<string | undefined>(undefined);
  const [kept, setKept] = useState<{ name: string; done: boolean } | null>(null);
  // What is written to; another draft gets another one, so that a late write cannot reach it.
  const target = useRef<Target>({ name: undefined, left: false });
  const own = useRef<string | undefined>(undefined);
  const tell = useRef(onNamed);
  const writing = useRef<{ timer: number | undefined; last: Promise<unknown> }>({ timer: undefined, last: Promise.resolve() });
  useEffect(() => {
    tell.current = onNamed;
  });

  const keep = useCallback(() => {
    const { current } = writing;
    window.clearTimeout(current.timer);
    current.timer = undefined;
    const content = contentOf(useDraft.getState());
    if (isEmpty(content)) return;
    const into = target.current;
    current.last = current.last.then(async () => {
      if (into.name === undefined) {
        const drafts = await send(platform, "drafts.list", null).catch(() => []);
        into.name = freeName(titleOf(content), new Set(drafts.map((draft) => draft.name)));
        if (!into.left) {
          own.current = into.name;
          setNamed(into.name);
          tell.current(into.name);
        }
      }
      const done = (await save({ name: into.name, content })) !== undefined;
      if (!into.left) setKept({ name: into.name, done });
    });
  }, [platform, save]);

  useEffect(() => {
    // The name that this page just gave itself is nothing to open.
    if (wanted !== undefined && wanted === own.current) return undefined;
    if (writing.current.timer !== undefined) keep();
    target.current.left = true;
    target.current = { name: wanted, left: false };
    own.current = undefined;
    const request = new AbortController();
    useDraft.getState().clear();
    const all = wanted === undefined ? Promise.resolve([]) : send(platform, "drafts.list", null, request.signal);
    all.then(
      (drafts) => {
        if (request.signal.aborted) return;
        const draft = drafts.find((each) => each.name === wanted);
        if (draft) useDraft.getState().set(restored(draft.content));
        setOpened({ wanted, error: null });
      },
      (error: unknown) => !request.signal.aborted && setOpened({ wanted, error }),
    );
    return () => request.abort();
  }, [platform, wanted, keep]);

  // A page that gave itself a name goes on with what it has.
  const current = opened !== null && (opened.wanted === wanted || (opened.wanted === undefined && wanted === named));
  const error = current ? opened.error : null;
  const ready = current && error === null;
  useEffect(() => {
    if (!ready) return undefined;
    const { current } = writing;
    const end = useDraft.subscribe(() => {
      window.clearTimeout(current.timer);
      current.timer = window.setTimeout(keep, KEEP_AFTER_MS);
    });
    return () => {
      end();
      // Leaving the page does not wait for the pause in typing.
      if (current.timer !== undefined) keep();
    };
  }, [ready, keep]);
  useEffect(
    () => () => {
      target.current.left = true;
    },
    [],
  );

  const discard = useCallback(async () => {
    const { current } = writing;
    window.clearTimeout(current.timer);
    current.timer = undefined;
    await current.last;
    const { name } = target.current;
    if (name !== undefined) await remove({ name });
    invalidate(requestTags["drafts.remove"].invalidates);
  }, [remove, invalidate]);

  return { ready, error, kept: kept !== null && kept.name === wanted ? kept.done : null, discard };
}
