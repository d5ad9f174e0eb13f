import { useId } from "react";
import type { Bounds, FailedDraft, HelpPreview } from "~/api/generated";
import { useText } from "~/shared/text";
import { Checkbox, Field, TextArea } from "~/shared/ui/Field";
import { Problem } from "~/shared/ui/Problem";
import { Words } from "~/shared/ui/Words";
import { Deferred } from "./Deferred";

/** What a person lets the model know. */
export interface Told {
  wish: string;
  description: string;
  /** What the answer looks like. */
  structure: boolean;
  /** What it holds. */
  values: boolean;
}

interface HelpQuestionProps {
  told: Told;
  onTold: (part: Partial<Told>) => void;
  hasSample: boolean;
  earlier: readonly FailedDraft[];
  replay: boolean;
  onReplay: (replay: boolean) => void;
  bounds: Bounds;
  onBounds: (bounds: Bounds) => void;
  preview: HelpPreview | null;
  error: unknown;
}

/** What is asked, what goes along, how the draft is proved, and word for word what is sent. */
export function HelpQuestionForm({ told, onTold, hasSample, earlier, replay, onReplay, bounds, onBounds, preview, error }: HelpQuestionProps) {
  const text = useText();
  const proof = useId();
  return (
    <>
      {earlier.at(-1) && <Failed failed={earlier.at(-1)?.failed ?? []} />}
      <Field label={text("help.wish")} help={text("help.wishHelp")}>
        {(ids) => <TextArea {...ids} className="min-h-16! font-sans!" value={told.wish} onValue={(wish) => onTold({ wish })} />}
      </Field>
      <Field label={text("help.description")} help={text("help.descriptionHelp")} note={text("common.optional")}>
        {(ids) => <TextArea {...ids} className="min-h-16!" value={told.description} onValue={(description) => onTold({ description })} />}
      </Field>
      {hasSample && (
        <div className="flex flex-col gap-1">
          <Checkbox label={text("help.structure")} checked={told.structure} onValue={(structure) => onTold({ structure })} />
          <Checkbox className="ms-6" label={text("help.values")} disabled={!told.structure} checked={told.structure && told.values} onValue={(values) => onTold({ values })} />
        </div>
      )}
      <div role="group" aria-labelledby={proof} className="flex flex-col gap-2">
        <span id={proof} className="font-medium">
          {text("help.proof")}
        </span>
        <Checkbox label={text("help.replay")} checked={replay} onValue={onReplay} />
        {!replay && (
          <>
            <Field label={text("help.hosts")} help={text("help.hostsHelp")}>
              {(ids) => <Deferred {...ids} value={bounds.hosts.join(", ")} onCommit={(typed) => onBounds({ ...bounds, hosts: hostsIn(typed) })} />}
            </Field>
            <Checkbox label={text("help.post")} checked={bounds.post} onValue={(post) => onBounds({ ...bounds, post })} />
          </>
        )}
      </div>
      {error !== null && <Problem error={error} />}
      <div className="flex flex-col gap-1">
        <h3 className="m-0 text-heading">{preview ? text("help.sentTo", { url: preview.url, model: preview.model }) : text("help.sent")}</h3>
        <p className="m-0 text-ink-muted">{text("help.sentHelp")}</p>
        {/* What scrolls can be scrolled by keys. */}
        {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
        <div tabIndex={0} role="region" aria-label={text("help.sent")} className="max-h-56 min-h-24 overflow-auto rounded-input bg-sunken">
          {preview?.messages.map(({ role, content }, index) => (
            // Messages are their position.
            // oxlint-disable-next-line react/no-array-index-key
            <div key={index} className="p-3">
              <span className="text-caption font-medium text-ink-muted">{role}</span>
              <pre className="m-0 font-mono text-code break-words whitespace-pre-wrap">
                <bdi>{content}</bdi>
              </pre>
            </div>
          ))}
        </div>
      </div>
    </>
  );
}

function Failed({ failed }: { failed: readonly string[] }) {
  const text = useText();
  return (
    <div className="rounded-control border border-border bg-warn-soft p-3">
      <p className="m-0 font-medium">{text("help.tellFailed")}</p>
      <ul className="m-0 pl-5">
        {failed.map((point) => (
          <li key={point}>
            <Words>{point}</Words>
          </li>
        ))}
      </ul>
    </div>
  );
}

function hostsIn(typed: string): string[] {
  const written = typed.split(/[\s,;]+/).filter((host) => host !== "");
  // Somebody who pastes an address means its host.
  return written.map((host) => host.toLowerCase().replace(/^https?:\/\//, "").replace(/\/.*$/, ""));
}
