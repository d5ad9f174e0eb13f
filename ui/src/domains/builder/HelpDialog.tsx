import { useState } from "react";
import type { Bounds, FormField, HelpedDraft } from "~/api/generated";
import { assemble } from "~/domains/systems/form";
import { useText } from "~/shared/text";
import { Button } from "~/shared/ui/Button";
import { Dialog } from "~/shared/ui/Dialog";
import { Progress } from "~/shared/ui/feedback";
import { Problem } from "~/shared/ui/Problem";
import { HelpAnswer } from "./HelpAnswer";
import { HelpQuestionForm, type Told } from "./HelpQuestion";
import { useBuilder, type Working } from "./store";
import { type HelpQuestion, useHelp, useHelpPreview } from "./useHelp";

/** So often the engine lets a model be told what is wrong. */
const ROUNDS_MAX = 4;

interface HelpDialogProps {
  working: Working;
  /** The table that is shown; its last answer can be told. */
  table: string | null;
  fields: readonly FormField[];
  replay: boolean;
  onClose: () => void;
}

/** A draft by a language model: what it is told, what it answers, what requests prove of it. */
export default function HelpDialog({ working, table, fields, replay: replays, onClose }: HelpDialogProps) {
  const text = useText();
  const { values, trials, described, adopt, show, setAsText } = useBuilder();
  const help = useHelp();
  const sample = (table === null ? undefined : trials[table]?.exchanges.find(({ rows }) => rows !== null)?.answer) ?? working.sample;
  const [told, setTold] = useState<Told>({ wish: "", description: described ?? "", structure: sample !== null, values: false });
  const [replay, setReplay] = useState(replays);
  const [chosen, setChosen] = useState<Bounds | null>(null);
  const question = (bounds: Bounds): HelpQuestion => ({
    wanted: {
      yaml: working.yaml,
      wish: told.wish,
      description: told.description.trim() === "" ? null : told.description,
      sample: told.structure ? sample : null,
      values: told.structure && told.values,
      earlier: [...help.earlier],
    },
    ...assemble(fields, values),
    replay,
    bounds,
  });
  // What may be asked makes no difference to what is told.
  const { preview, error } = useHelpPreview(question({ hosts: [], post: false }));
  const [found, setFound] = useState<Bounds | null>(null);
  if (preview && found === null) setFound(preview.bounds);
  const bounds = chosen ?? found ?? { hosts: [], post: false };
  const use = (draft: HelpedDraft) => {
    if (draft.yaml === null) return;
    adopt(draft.yaml, Object.fromEntries(draft.tables.map(({ table: name, result }) => [name, result])));
    const [first] = draft.tables;
    if (first) show({ table: first.table });
    setAsText(draft.problem !== null);
    onClose();
  };
  const left = ROUNDS_MAX - help.earlier.length;
  const { answer } = help;
  const hostless = !replay && bounds.hosts.length === 0;
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title={text("help.title")}
      footer={
        <>
          <Button onClick={help.pending ? help.cancel : onClose}>{text(help.pending ? "help.stop" : "common.cancel")}</Button>
          {answer && !answer.proved && answer.yaml !== null && <Button onClick={() => use(answer)}>{text("help.useUnproved")}</Button>}
          {answer && !answer.proved && (
            <Button look="primary" blocked={left <= 0 ? text("help.noRoundsLeft") : undefined} onClick={help.again}>
              {text("help.again", { left: Math.max(0, left) })}
            </Button>
          )}
          {answer?.proved && (
            <Button look="primary" onClick={() => use(answer)}>
              {text("help.use")}
            </Button>
          )}
          {!answer && !help.pending && (
            <Button look="primary" disabled={!preview} blocked={hostless ? text("help.hostsMissing") : undefined} onClick={() => void help.ask(question(bounds))}>
              {text("help.send")}
            </Button>
          )}
        </>
      }
    >
      <div className="flex flex-col gap-4">
        {help.pending && (
          <div role="status" className="flex flex-col gap-2">
            <p className="m-0">{text("help.asking")}</p>
            <Progress label={text("help.asking")} />
          </div>
        )}
        {help.error !== null && <Problem error={help.error} />}
        {answer && <HelpAnswer draft={answer} before={working.yaml} />}
        {!answer && !help.pending && (
          <HelpQuestionForm
            told={told}
            onTold={(part) => setTold((known) => ({ ...known, ...part }))}
            hasSample={sample !== null}
            earlier={help.earlier}
            replay={replay}
            onReplay={setReplay}
            bounds={bounds}
            onBounds={setChosen}
            preview={preview}
            error={error}
          />
        )}
      </div>
    </Dialog>
  );
}
