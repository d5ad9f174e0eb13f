import type { LogLevel, LogLines, LogStage } from "~/api/generated";

/** Which lines of a log are shown. */
export interface LogFilter {
  run: string;
  level: LogLevel | null;
  stage: LogStage | null;
  /** Empty: all tables. */
  table: string;
}

export interface LogSearch {
  text: string;
  /** Whether the text is a regular expression. */
  expression: boolean;
  /** Whether lines without it are left out. */
  only: boolean;
}

export function linesOf({ run, level, stage, table }: LogFilter): LogLines {
  return { run, level, stage, ...(table !== "" && { table }) };
}

/** Every second part is a hit. A wrong expression has none: the engine says what is wrong with it. */
export function split(text: string, { text: query, expression }: Pick<LogSearch, "text" | "expression">): string[] {
  if (query === "") return [text];
  const parts: string[] = [];
  let from = 0;
  for (const { index, 0: hit } of text.matchAll(patternOf(query, expression))) {
    if (hit === "") continue;
    parts.push(text.slice(from, index), hit);
    from = index + hit.length;
  }
  return [...parts, text.slice(from)];
}

const nothing = /(?!)/g;

function patternOf(query: string, expression: boolean): RegExp {
  try {
    return new RegExp(expression ? query : query.replaceAll(/[.*+?^${}()|[\]\\/-]/g, String.raw`\$&`), "gi");
  } catch {
    return nothing;
  }
}
