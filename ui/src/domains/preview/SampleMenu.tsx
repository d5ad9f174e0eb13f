import { type RefObject, useRef, useState } from "react";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { TextInput } from "~/shared/ui/Field";
import { Select } from "~/shared/ui/Select";
import { type Choice, offered, ROWS_RANDOM } from "./picks";
import type { SampleReading } from "./useSample";

type SampleMenuProps = Pick<SampleReading, "picks" | "picked" | "choice" | "choose" | "apply" | "leave"> & {
  /** The source did not take the condition. */
  wrong: boolean;
};

/** Which rows are looked at. A condition is written beside the menu. */
export function SampleMenu({ picks, picked, choice, choose, apply, leave, wrong }: SampleMenuProps) {
  const text = useText();
  const format = useFormat();
  const field = useRef<HTMLInputElement>(null);
  const labelOf = (each: Choice) => {
    if (each === "where") return text("preview.pick.where");
    if (each === "random") return text("preview.pick.random", { rows: format.exact(ROWS_RANDOM) });
    return text("preview.firstRows", { rows: format.exact(Number(each)) });
  };
  return (
    <>
      {choice === "where" && (
        <Condition field={field} applied={picked.choice === "where" ? picked.condition : ""} wrong={wrong} onApply={apply} onLeave={leave} />
      )}
      <Select
        small
        label={text("preview.size")}
        value={choice}
        onValue={choose}
        // Who chose to write a condition writes it next.
        focusAfter={() => field.current}
        choices={offered(picks, choice).map((each) => ({ value: each, label: labelOf(each) }))}
      />
    </>
  );
}

interface ConditionProps {
  field: RefObject<HTMLInputElement | null>;
  applied: string;
  wrong: boolean;
  onApply: (condition: string) => void;
  onLeave: () => void;
}

function Condition({ field, applied, wrong, onApply, onLeave }: ConditionProps) {
  const text = useText();
  const [written, setWritten] = useState(applied);
  return (
    <form
      className="me-1 w-56 min-w-24"
      onSubmit={(event) => {
        event.preventDefault();
        const condition = written.trim();
        if (condition !== "") onApply(condition);
      }}
    >
      <TextInput
        ref={field}
        value={written}
        onValue={setWritten}
        onKeyDown={(event) => {
          if (event.key !== "Escape" || event.nativeEvent.isComposing) return;
          event.preventDefault();
          onLeave();
        }}
        aria-label={text("preview.condition")}
        aria-invalid={wrong || undefined}
        placeholder="status = 'open'"
        className="font-mono text-code"
      />
    </form>
  );
}
