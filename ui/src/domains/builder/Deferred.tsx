import type { ComponentProps } from "react";
import { TextInput } from "~/shared/ui/Field";

interface DeferredProps extends Omit<ComponentProps<typeof TextInput>, "value" | "defaultValue" | "onValue" | "onBlur"> {
  value: string;
  onCommit: (value: string) => void;
}

/** A text that counts when it is left or Enter is pressed: half of it would mean something else. */
export function Deferred({ value, onCommit, ...rest }: DeferredProps) {
  const commit = (typed: string) => {
    if (typed !== value) onCommit(typed);
  };
  return (
    <TextInput
      {...rest}
      key={value}
      defaultValue={value}
      onValue={() => undefined}
      onBlur={(event) => commit(event.target.value)}
      onKeyDown={(event) => {
        if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) commit(event.currentTarget.value);
      }}
    />
  );
}
