import { yaml } from "@codemirror/lang-yaml";
import { unifiedMergeView } from "@codemirror/merge";
import { EditorState } from "@codemirror/state";
import { EditorView, lineNumbers } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { codeLook } from "~/shared/code/theme";
import { useText } from "~/shared/text";

const look = EditorView.theme({
  "&.cm-merge-b .cm-changedLine, .cm-inlineChangedLine": { backgroundColor: "var(--ok-soft)" },
  "&.cm-merge-b .cm-changedText": { background: "none", fontWeight: "600" },
  ".cm-deletedChunk": { backgroundColor: "var(--bad-soft)", color: "var(--text)" },
  // Its marks are in no font that is shipped.
  ".cm-collapsedLines:before, .cm-collapsedLines:after": { content: "none" },
  ".cm-collapsedLines": { background: "var(--sunken)", color: "var(--text-muted)" },
});

/** How a text differs from the one before: what stays is folded. */
export default function YamlDiff({ label, before, after }: { label: string; before: string; after: string }) {
  const unchanged = useText()("builder.unchanged");
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!box.current) return undefined;
    const editor = new EditorView({
      parent: box.current,
      state: EditorState.create({
        doc: after,
        extensions: [
          lineNumbers(),
          yaml(),
          codeLook("small"),
          look,
          EditorState.readOnly.of(true),
          EditorState.phrases.of({ "$ unchanged lines": unchanged }),
          EditorView.contentAttributes.of({ "aria-label": label }),
          unifiedMergeView({ original: before, mergeControls: false, collapseUnchanged: { margin: 2, minSize: 4 } }),
        ],
      }),
    });
    return () => editor.destroy();
  }, [label, before, after, unchanged]);
  return <div ref={box} className="max-h-56 overflow-auto rounded-control border border-border" />;
}
