import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const highlight = HighlightStyle.define([
  { tag: [tags.keyword, tags.propertyName, tags.definition(tags.propertyName)], color: "var(--accent)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--ok)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--new)" },
  { tag: tags.comment, color: "var(--text-subtle)" },
  { tag: [tags.operator, tags.punctuation, tags.separator], color: "var(--text-muted)" },
]);

const look = EditorView.theme({
  "&": { color: "var(--text)", backgroundColor: "var(--surface)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: '"JetBrains Mono", monospace' },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--text-subtle)", border: "none" },
  ".cm-line, .cm-lineNumbers .cm-gutterElement": { padding: "0 4px" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--sunken)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground, ::selection": { backgroundColor: "var(--accent-soft) !important" },
  ".cm-tooltip": { backgroundColor: "var(--raised)", border: "1px solid var(--border)", color: "var(--text)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "0 4px" },
  ".cm-tooltip .cm-completionIcon": { paddingRight: "4px" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent-soft)", color: "var(--text)" },
});

const sizes = {
  normal: EditorView.theme({ "&": { fontSize: "0.8125rem" }, ".cm-scroller": { lineHeight: "1.25rem" } }),
  small: EditorView.theme({ "&": { fontSize: "0.75rem" }, ".cm-scroller": { lineHeight: "1.125rem" } }),
};

/** How code looks wherever it stands: our grounds and our letters. */
export function codeLook(size: keyof typeof sizes): Extension {
  return [look, sizes[size], EditorView.lineWrapping];
}

/** Colours of the language; for the ground of an editor. */
export const codeColours: Extension = syntaxHighlighting(highlight);
