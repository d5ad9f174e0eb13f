import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Loading } from "./feedback";
import { Problem } from "./Problem";

interface AnswerProps<Value> {
  of: UseQueryResult<Value>;
  /** What is being done, when it takes longer. */
  doing: string;
  rows?: number;
  /** What is shown meanwhile, where that is more than a skeleton. */
  loading?: ReactNode;
  children: (value: Value) => ReactNode;
}

/** Shows an answer of the engine in each of its states; an old answer stays when a new one fails. */
export function Answer<Value>({ of, doing, rows, loading, children }: AnswerProps<Value>) {
  if (of.data !== undefined) return children(of.data);
  if (of.error) {
    return (
      <div className="p-6">
        <Problem error={of.error} onRetry={() => void of.refetch()} />
      </div>
    );
  }
  return loading ?? <Loading doing={doing} {...(rows !== undefined && { rows })} />;
}
