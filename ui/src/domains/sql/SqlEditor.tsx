import { autocompletion, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { PostgreSQL, sql, type SQLNamespace } from "@codemirror/lang-sql";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { Compartment, EditorState, Prec } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";

interface SqlEditorProps {
  label: string;
  value: string;
  onValue: (value: string) => void;
  /** Runs what is marked, or everything. */
  onRun: (statement: string) => void;
  /** Columns by table, for completion. */
  schema: SQLNamespace;
}

const highlight = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--accent)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--ok)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--new)" },
  { tag: tags.comment, color: "var(--text-subtle)" },
  { tag: [tags.operator, tags.punctuation], color: "var(--text-muted)" },
]);

const look = EditorView.theme({
  "&": { height: "100%", fontSize: "0.8125rem", color: "var(--text)", backgroundColor: "var(--surface)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: '"JetBrains Mono", monospace', lineHeight: "1.25rem" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--text-subtle)", border: "none" },
  ".cm-line, .cm-lineNumbers .cm-gutterElement": { padding: "0 4px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "0 4px" },
  ".cm-tooltip .cm-completionIcon": { paddingRight: "4px" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--sunken)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground, ::selection": {
    backgroundColor: "var(--accent-soft) !important",
  },
  ".cm-tooltip": { backgroundColor: "var(--raised)", border: "1px solid var(--border)", color: "var(--text)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent-soft)", color: "var(--text)" },
});

/** An editor for one SQL statement. Escape, then Tab leaves it. */
export default function SqlEditor({ label, value, onValue, onRun, schema }: SqlEditorProps) {
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const language = useRef(new Compartment());
  const latest = useRef({ onValue, onRun });
  useEffect(() => {
    latest.current = { onValue, onRun };
  });

  // The editor is made once; what changes later is handed to it by the effects below.
  const first = useRef({ value, label });
  useEffect(() => {
    if (!box.current) return undefined;
    const run = (editor: EditorView) => {
      const { from, to } = editor.state.selection.main;
      const marked = editor.state.sliceDoc(from, to).trim();
      latest.current.onRun(marked === "" ? editor.state.doc.toString() : marked);
      return true;
    };
    const editor = new EditorView({
      parent: box.current,
      state: EditorState.create({
        doc: first.current.value,
        extensions: [
          lineNumbers(),
          history(),
          drawSelection(),
          highlightActiveLine(),
          autocompletion(),
          language.current.of(sql({ dialect: PostgreSQL })),
          syntaxHighlighting(highlight),
          look,
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": first.current.label }),
          Prec.highest(keymap.of([{ key: "Mod-Enter", run }])),
          keymap.of([...completionKeymap, ...defaultKeymap, ...historyKeymap]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onValue(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    editor.focus();
    return () => editor.destroy();
  }, []);

  useEffect(() => {
    view.current?.dispatch({ effects: language.current.reconfigure(sql({ dialect: PostgreSQL, schema })) });
  }, [schema]);
  useEffect(() => {
    const editor = view.current;
    if (!editor || editor.state.doc.toString() === value) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [value]);

  return <div ref={box} dir="ltr" className="h-full min-h-0 overflow-hidden" />;
}
