import type { ReactNode } from "react";
import { faultOf } from "~/api/client";
import { TransportError } from "~/platform";
import { useText } from "~/shared/text";
import { Fault, type FaultShape } from "./Fault";

interface ProblemProps {
  /** What was caught: an answer of the engine, a lost connection, anything. */
  error: unknown;
  mild?: boolean;
  /** Asks again for what failed. */
  onRetry?: () => void;
  actions?: ReactNode;
  className?: string;
}

/** Anything that went wrong, as people read it. */
export function Problem({ error, ...rest }: ProblemProps) {
  const text = useText();
  const fault: FaultShape =
    error instanceof TransportError
      ? { message: text("fault.unreachable"), meaning: text("fault.unreachableMeaning"), details: [String(error.cause ?? error.message)] }
      : (faultOf(error) ?? { message: text("fault.unexpected"), meaning: text("fault.unexpectedMeaning"), details: [String(error)] });
  return <Fault fault={fault} {...rest} />;
}
