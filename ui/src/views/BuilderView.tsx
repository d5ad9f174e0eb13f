import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { useAction } from "~/api/client";
import type { Draft, DraftFrom, SavedConnector } from "~/api/generated";
import { Entry, useKeeping } from "~/domains/builder/Entry";
import { Operations } from "~/domains/builder/Operations";
import { useBuilder } from "~/domains/builder/store";
import { Workbench } from "~/domains/builder/Workbench";
import { useText } from "~/shared/text";
import { PageHeader } from "~/shared/ui/layout";
import { toast } from "~/shared/ui/toast";

/** From what an API shows to a connector in the catalogue. */
export default function BuilderView() {
  const text = useText();
  const navigate = useNavigate();
  const search = useSearch({ from: "/builder" });
  const { working, choosing, begin, choose, leave, show } = useBuilder();
  const draft = useAction("builder.draft");
  const forget = useAction("builder.forget");
  const open = useAction("builder.open");
  const kept = useKeeping(working && { ...working, guesses: [...working.guesses] });

  const start = (made: Draft, from: DraftFrom) => {
    const values = from.kind === "curl" ? Object.fromEntries(made.secrets.map(({ field, from: first, to }) => [field, from.text.slice(first, to)])) : {};
    begin({ name: made.name, yaml: made.yaml, guesses: made.guesses, sample: made.sample, changes: null }, values, from.kind === "open_api" ? from.text : null);
    const first = made.guesses.find(({ path }) => path[0] === "definitions" && path[1] === "streams");
    const table = first?.path[2] ?? /^ {2}- \$ref: "?#\/definitions\/streams\/(\w+)/m.exec(made.yaml)?.[1];
    if (table !== undefined && from.kind !== "empty") show({ table });
  };
  const make = async (from: DraftFrom) => {
    const made = await draft.run(from);
    if (!made) return;
    if (from.kind === "open_api" && from.chosen === null) choose({ from, draft: made });
    else start(made, from);
  };
  const openConnector = async (name: string) => {
    const opened = await open.run({ name });
    if (opened) begin({ name, yaml: opened.yaml, guesses: [], sample: null, changes: name });
  };

  // An address or a connector that was chosen elsewhere; once.
  const begun = useRef<string | null>(null);
  useEffect(() => {
    const wanted = JSON.stringify(search);
    if (begun.current === wanted) return;
    begun.current = wanted;
    if (search.openapi) void make({ kind: "open_api", url: search.openapi, text: null, chosen: null });
    if (search.connector) void openConnector(search.connector);
    // What is asked stands in the address; the functions are of this moment.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [search]);

  const saved = async (name: string, { version, beside }: SavedConnector) => {
    // Nothing keeps the draft any more when it is forgotten.
    leave();
    await forget.run({ name });
    if (beside) {
      // What uses the connector stays where it is: next comes what the new version would change for it.
      toast({ title: text("builder.savedBeside", { name, version }) });
      await navigate({ to: "/versions", search: { connector: name, to: version } });
      return;
    }
    toast({ title: text("builder.saved", { name }) });
    await navigate({ to: "/new" });
  };
  if (working) {
    return (
      <Workbench
        working={working}
        kept={kept}
        onLeave={() => {
          leave();
          void navigate({ to: "/builder", search: {}, replace: true });
        }}
        onSaved={(name, kept) => void saved(name, kept)}
      />
    );
  }
  return (
    <>
      <PageHeader title={text("builder.title")} />
      {choosing ? (
        <Operations
          choosing={choosing}
          pending={draft.pending}
          error={draft.error}
          onBack={() => choose(null)}
          onChosen={(chosen) => void make({ ...choosing.from, chosen })}
        />
      ) : (
        <Entry
          key={search.openapi ?? ""}
          address={search.openapi ?? ""}
          pending={draft.pending}
          error={draft.error ?? open.error}
          onDraft={(from) => void make(from)}
          onManifest={(yaml, name, changes) => begin({ name, yaml, guesses: [], sample: null, changes })}
          onKept={(one) => begin(one)}
        />
      )}
    </>
  );
}
