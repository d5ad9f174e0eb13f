import { useEffect, useRef, useState } from "react";
import { send } from "~/api/client";
import type { FailedDraft, HelpedDraft, HelpPreview } from "~/api/generated";
import type { RequestOf } from "~/api/client";
import { usePlatform } from "~/platform";

export type HelpQuestion = RequestOf<"builder.help">;

/** A person who types is not shown half a word. */
const PREVIEW_AFTER_MS = 300;

/** What the model would be told now, and to whom it would go. Not asked by a query: the question has secrets in it, which
 * are there to be taken out. */
export function useHelpPreview(question: HelpQuestion): { preview: HelpPreview | null; error: unknown } {
  const platform = usePlatform();
  const [state, setState] = useState<{ of: string; preview: HelpPreview | null; error: unknown }>({ of: "", preview: null, error: null });
  const asked = JSON.stringify(question);
  useEffect(() => {
    const own = new AbortController();
    const timer = setTimeout(() => {
      send(platform, "builder.help_preview", JSON.parse(asked) as HelpQuestion, own.signal).then(
        (preview) => !own.signal.aborted && setState({ of: asked, preview, error: null }),
        (error: unknown) => !own.signal.aborted && setState({ of: asked, preview: null, error }),
      );
    }, PREVIEW_AFTER_MS);
    return () => {
      clearTimeout(timer);
      own.abort();
    };
  }, [platform, asked]);
  // What is shown must be what would be sent.
  return state.of === asked ? state : { preview: null, error: null };
}

export interface Help {
  pending: boolean;
  error: unknown;
  answer: HelpedDraft | null;
  /** Drafts that did not pass; the next question tells of them. */
  earlier: readonly FailedDraft[];
  ask: (question: HelpQuestion) => Promise<void>;
  /** Lets the model know why its last draft does not pass, with the next question. */
  again: () => void;
  cancel: () => void;
}

/** One question to the model at a time. Leaving the dialog ends it. */
export function useHelp(): Help {
  const platform = usePlatform();
  const [state, setState] = useState<{ pending: boolean; error: unknown; answer: HelpedDraft | null }>({ pending: false, error: null, answer: null });
  const [earlier, setEarlier] = useState<readonly FailedDraft[]>([]);
  const running = useRef<AbortController>(null);
  useEffect(() => () => running.current?.abort(), []);
  const ask = async (question: HelpQuestion) => {
    const own = new AbortController();
    running.current = own;
    setState({ pending: true, error: null, answer: null });
    try {
      const answer = await send(platform, "builder.help", question, own.signal);
      if (!own.signal.aborted) setState({ pending: false, error: null, answer });
    } catch (error) {
      if (!own.signal.aborted) setState({ pending: false, error, answer: null });
    }
  };
  const again = () => {
    const { answer } = state;
    if (!answer) return;
    setEarlier([...earlier, { answer: answer.answer, failed: answer.failed }]);
    setState({ pending: false, error: null, answer: null });
  };
  const cancel = () => {
    running.current?.abort();
    setState({ pending: false, error: null, answer: null });
  };
  return { ...state, earlier, ask, again, cancel };
}
