import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { Compartment, EditorState, type Extension, Prec } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { codeColours, codeLook } from "./theme";

interface CodeEditorProps {
  label: string;
  value: string;
  onValue: (value: string) => void;
  /** What Ctrl+Enter does, with what is marked, or with everything. The editor would make a new line of it. */
  onRun: (text: string) => void;
  /** The language, and what else belongs to it. Must keep its identity as long as it stays the same. */
  language: Extension;
  size: "normal" | "small";
  /** Typing can begin at once. */
  focus?: boolean;
  /** The line to show, from 1. */
  line?: number | null;
}

/** An editor for code. Escape, then Tab leaves it. */
export function CodeEditor({ label, value, onValue, onRun, language, size, focus = false, line = null }: CodeEditorProps) {
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const spoken = useRef(new Compartment());
  const latest = useRef({ onValue, onRun });
  useEffect(() => {
    latest.current = { onValue, onRun };
  });

  // The editor is made once; what changes later is handed to it by the effects below.
  const first = useRef({ value, label, language, size, focus });
  useEffect(() => {
    if (!box.current) return undefined;
    const run = (editor: EditorView) => {
      const { from, to } = editor.state.selection.main;
      const marked = editor.state.sliceDoc(from, to).trim();
      latest.current.onRun(marked === "" ? editor.state.doc.toString() : marked);
      return true;
    };
    const begin = first.current;
    const editor = new EditorView({
      parent: box.current,
      state: EditorState.create({
        doc: begin.value,
        extensions: [
          lineNumbers(),
          history(),
          drawSelection(),
          highlightActiveLine(),
          spoken.current.of(begin.language),
          codeLook(begin.size),
          codeColours,
          EditorView.contentAttributes.of({ "aria-label": begin.label }),
          Prec.highest(keymap.of([{ key: "Mod-Enter", run }])),
          keymap.of([...defaultKeymap, ...historyKeymap]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onValue(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    if (begin.focus) editor.focus();
    return () => editor.destroy();
  }, []);

  useEffect(() => {
    view.current?.dispatch({ effects: spoken.current.reconfigure(language) });
  }, [language]);
  useEffect(() => {
    const editor = view.current;
    if (!editor || editor.state.doc.toString() === value) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [value]);
  useEffect(() => {
    const editor = view.current;
    if (!editor || line === null || line < 1 || line > editor.state.doc.lines) return;
    const { from } = editor.state.doc.line(line);
    editor.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
  }, [line]);

  return <div ref={box} dir="ltr" className="h-full min-h-0 flex-1 overflow-hidden" />;
}
