import { yaml } from "@codemirror/lang-yaml";
import type { ComponentProps } from "react";
import { CodeEditor } from "~/shared/code/CodeEditor";
import { runCommand } from "~/shared/commands";

const language = yaml();

/** An editor for a manifest; Ctrl+Enter sends here as it does in the form. */
export default function YamlEditor(props: Pick<ComponentProps<typeof CodeEditor>, "label" | "value" | "onValue" | "line">) {
  return <CodeEditor {...props} language={language} size="small" onRun={() => runCommand("builder.send")} />;
}
