import clsx from "clsx";
import { CircleAlert } from "lucide-react";
import { type ReactNode, useId } from "react";
import { Words } from "./Words";

interface FieldProps {
  label: string;
  help?: string | undefined;
  error?: string | undefined;
  /** Said beside the label, for example "optional". */
  note?: string | undefined;
  /** The control; give it the ids so that label, help and error belong to it. */
  children: (ids: ControlIds) => ReactNode;
}

export interface ControlIds {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": true | undefined;
}

/** Label above, control, help below; an error takes its own line under the control. */
export function Field({ label, help, error, note, children }: FieldProps) {
  const id = useId();
  const described = [error && `${id}-error`, help && `${id}-help`].filter(Boolean).join(" ");
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="font-medium">
        {label}
        {note && <span className="ms-2 font-normal text-ink-subtle">{note}</span>}
      </label>
      {children({
        id,
        "aria-describedby": described || undefined,
        "aria-invalid": error ? true : undefined,
      })}
      {error && (
        <p id={`${id}-error`} className="m-0 flex items-center gap-1 text-bad">
          <CircleAlert size={16} strokeWidth={1.5} aria-hidden className="shrink-0" />
          {error}
        </p>
      )}
      {help && (
        <p id={`${id}-help`} className="m-0 text-ink-muted">
          <Words>{help}</Words>
        </p>
      )}
    </div>
  );
}

const box =
  "w-full rounded-input border border-border-strong bg-surface text-ink aria-invalid:border-bad disabled:opacity-50";

type InputProps = Omit<React.ComponentProps<"input">, "onChange"> & { onValue: (value: string) => void };

export function TextInput({ onValue, className, type = "text", ...rest }: InputProps) {
  return (
    <input
      {...rest}
      type={type}
      autoComplete={rest.autoComplete ?? "off"}
      spellCheck={false}
      onChange={(event) => onValue(event.target.value)}
      className={clsx(box, "h-8 px-2", className)}
    />
  );
}

type AreaProps = Omit<React.ComponentProps<"textarea">, "onChange"> & { onValue: (value: string) => void };

export function TextArea({ onValue, className, ...rest }: AreaProps) {
  return (
    <textarea
      {...rest}
      spellCheck={false}
      onChange={(event) => onValue(event.target.value)}
      className={clsx(box, "min-h-24 resize-y p-2 font-mono text-code", className)}
    />
  );
}

interface CheckProps extends Omit<React.ComponentProps<"input">, "type" | "onChange"> {
  label: ReactNode;
  /** Half: some of what is below is ticked. */
  half?: boolean;
  onValue: (checked: boolean) => void;
  /** The label is only for screen readers. */
  bare?: boolean;
}

export function Checkbox({ label, half = false, onValue, bare = false, className, ...rest }: CheckProps) {
  return (
    <label className={clsx("inline-flex min-h-6 items-center gap-2", className)}>
      <input
        {...rest}
        type="checkbox"
        ref={(element) => {
          if (element) element.indeterminate = half;
        }}
        onChange={(event) => onValue(event.target.checked)}
        className="m-0 size-4 shrink-0 accent-accent"
      />
      <span className={clsx(bare && "sr-only")}>{label}</span>
    </label>
  );
}

export interface Choice<Value extends string> {
  value: Value;
  label: string;
  help?: string | undefined;
}

interface ChoicesProps<Value extends string> {
  legend: string;
  choices: readonly Choice<Value>[];
  value: Value | undefined;
  onValue: (value: Value) => void;
  hideLegend?: boolean;
  /** Side by side when there is little to say about each. */
  inline?: boolean;
}

/** Radio buttons; with help text they become cards. */
export function Choices<Value extends string>({
  legend,
  choices,
  value,
  onValue,
  hideLegend = false,
  inline = false,
}: ChoicesProps<Value>) {
  const name = useId();
  return (
    <fieldset className="m-0 flex min-w-0 flex-col gap-1 border-0 p-0">
      <legend className={clsx("mb-1 p-0 font-medium", hideLegend && "sr-only")}>{legend}</legend>
      <div className={clsx("flex gap-x-4 gap-y-1", inline ? "flex-wrap" : "flex-col")}>
        {choices.map((choice) => (
          <label
            key={choice.value}
            className={clsx(
              "flex min-h-6 items-start gap-2",
              choice.help && "rounded-control border border-border p-3 has-checked:border-accent has-checked:bg-accent-soft",
            )}
          >
            <input
              type="radio"
              name={name}
              checked={choice.value === value}
              onChange={() => onValue(choice.value)}
              className="m-0 h-5 w-4 shrink-0 accent-accent"
            />
            <span>
              {choice.label}
              {choice.help && <span className="block text-ink-muted"><Words>{choice.help}</Words></span>}
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
