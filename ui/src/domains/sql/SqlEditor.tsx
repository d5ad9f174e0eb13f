import { autocompletion } from "@codemirror/autocomplete";
import { PostgreSQL, sql, type SQLNamespace } from "@codemirror/lang-sql";
import { type ComponentProps, useMemo } from "react";
import { CodeEditor } from "~/shared/code/CodeEditor";

interface SqlEditorProps extends Pick<ComponentProps<typeof CodeEditor>, "label" | "value" | "onValue" | "onRun"> {
  /** Columns by table, for completion. */
  schema: SQLNamespace;
}

/** An editor for one SQL statement. */
export default function SqlEditor({ schema, ...rest }: SqlEditorProps) {
  const language = useMemo(() => [sql({ dialect: PostgreSQL, schema }), autocompletion()], [schema]);
  return <CodeEditor {...rest} language={language} size="normal" focus />;
}
