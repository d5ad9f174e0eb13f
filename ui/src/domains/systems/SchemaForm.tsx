import { ChevronDown, ChevronRight, Eye, EyeOff } from "lucide-react";
import { useMemo, useState } from "react";
import type { FormField } from "~/api/generated";
import { grouped } from "~/shared/group";
import { useText } from "~/shared/text";
import { Button, IconButton } from "~/shared/ui/Button";
import { Checkbox, Choices, type ControlIds, Field, TextArea, TextInput } from "~/shared/ui/Field";
import { Select } from "~/shared/ui/Select";
import { Words } from "~/shared/ui/Words";
import { applicable, type FieldValue, initialOf, keyOf, problemOf, type Values, valueOf } from "./form";

interface SchemaFormProps {
  fields: readonly FormField[];
  values: Values;
  onValues: (values: Values) => void;
  /** Shows what is wrong with fields that were not visited yet. */
  strict: boolean;
  secretStore: string | undefined;
  /** Paths of secrets that are stored: they are not shown, only replaced. */
  saved?: ReadonlySet<string>;
  /** Tells which field the guide should speak about. */
  onField?: (field: FormField) => void;
}

const CARDS_MAX = 5;

/** A connector's settings as a form. Says what is wrong when a field is left, or when everything is asked for. */
export function SchemaForm({ fields, values, onValues, strict, secretStore, saved, onField }: SchemaFormProps) {
  const [visited, setVisited] = useState<ReadonlySet<string>>(new Set());
  const shown = useMemo(() => applicable(fields, values), [fields, values]);
  const plain = shown.filter((field) => !field.advanced);
  const advanced = shown.filter((field) => field.advanced);

  const one = (field: FormField) => {
    const key = keyOf(field.path);
    return (
      <div
        key={key}
        onFocus={() => onField?.(field)}
        onBlur={() => setVisited((before) => (before.has(key) ? before : new Set(before).add(key)))}
      >
        <FieldRow
          field={field}
          value={valueOf(field, values)}
          onValue={(value) => onValues({ ...values, [key]: value })}
          problem={strict || visited.has(key)}
          values={values}
          secretStore={secretStore}
          saved={saved?.has(key) ?? false}
        />
      </div>
    );
  };
  return (
    <div className="flex flex-col gap-5">
      {grouped(plain, (field) => field.group ?? "").map(([group, own]) => (
        <div key={group} className="flex flex-col gap-4">
          {group !== "" && <h3 className="pt-2 text-heading">{group}</h3>}
          {own.map(one)}
        </div>
      ))}
      {advanced.length > 0 && (
        <Advanced fields={advanced} values={values}>
          {advanced.map(one)}
        </Advanced>
      )}
    </div>
  );
}

/** Closed, unless something in it was changed or is wrong. */
function Advanced({ fields, values, children }: { fields: readonly FormField[]; values: Values; children: React.ReactNode }) {
  const text = useText();
  const touched = fields.some(
    (field) => String(valueOf(field, values)) !== String(initialOf(field)) || problemOf(field, values) !== null,
  );
  const [open, setOpen] = useState(touched);
  const Icon = open ? ChevronDown : ChevronRight;
  return (
    <div className="flex flex-col gap-4">
      <button
        type="button"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
        className="flex h-8 items-center gap-2 self-start rounded-control border-0 bg-transparent p-0 pe-2 font-medium"
      >
        <Icon size={16} strokeWidth={1.5} aria-hidden />
        {text("form.advanced", { count: fields.length })}
      </button>
      {open && <div className="flex flex-col gap-4">{children}</div>}
    </div>
  );
}

interface RowProps {
  field: FormField;
  value: FieldValue;
  values: Values;
  onValue: (value: FieldValue) => void;
  /** Whether a problem may be said already. */
  problem: boolean;
  secretStore: string | undefined;
  saved: boolean;
}

function FieldRow({ field, value, values, onValue, problem: telling, secretStore, saved }: RowProps) {
  const text = useText();
  const problem = telling ? problemOf(field, values) : null;
  const error =
    problem === null
      ? undefined
      : text(`form.${problem}`, { label: field.label, minimum: field.minimum ?? 0, maximum: field.maximum ?? 0 });

  if (field.control === "boolean" || field.control === "switch") {
    return (
      <div>
        <Checkbox label={field.label} checked={value === true} onValue={onValue} />
        {field.help && <p className="m-0 ms-6 text-ink-muted"><Words>{field.help}</Words></p>}
      </div>
    );
  }
  const choices = field.choices.map((choice) => ({ ...choice, help: choice.help ?? undefined }));
  if (field.control === "choice" && choices.length <= CARDS_MAX && choices.every(({ help }) => help !== undefined)) {
    return <Choices legend={field.label} choices={choices} value={String(value)} onValue={onValue} />;
  }
  const help = field.control === "secret" && secretStore ? text("form.storedIn", { store: secretStore }) : (field.help ?? undefined);
  return (
    <Field label={field.label} help={help} error={error} note={saved || field.required || field.default !== null ? undefined : text("common.optional")}>
      {(ids) => {
        const placeholder = field.example ? text("form.example", { example: field.example }) : undefined;
        switch (field.control) {
          case "choice":
            return (
              <Select
                {...ids}
                choices={field.required ? choices : [{ value: "", label: text("form.unset") }, ...choices]}
                value={String(value)}
                onValue={onValue}
              />
            );
          case "secret":
            return saved ? (
              <SavedSecret ids={ids} field={field} value={value} onValue={onValue} />
            ) : (
              <Secret ids={ids} multiline={field.multiline} value={String(value)} onValue={onValue} />
            );
          case "number":
            return (
              <TextInput
                {...ids}
                inputMode="numeric"
                placeholder={placeholder}
                value={String(value)}
                onValue={onValue}
                className="num max-w-40"
              />
            );
          case "list":
            return (
              <ListInput
                ids={ids}
                placeholder={placeholder ?? text("form.list")}
                value={typeof value === "object" ? value : itemsOf(String(value))}
                onValue={onValue}
              />
            );
          default:
            return <TextInput {...ids} placeholder={placeholder} value={String(value)} onValue={onValue} />;
        }
      }}
    </Field>
  );
}

function itemsOf(typed: string): string[] {
  return typed.split(/[,\n]/).map((each) => each.trim()).filter(Boolean);
}

interface ListProps {
  ids: ControlIds;
  placeholder: string;
  value: readonly string[];
  onValue: (value: readonly string[]) => void;
}

/** Several texts with commas between them. What is typed stays as it is: a comma at the end begins the next one. */
function ListInput({ ids, placeholder, value, onValue }: ListProps) {
  const [typed, setTyped] = useState(value.join(", "));
  const items = value.join(", ");
  return (
    <TextInput
      {...ids}
      placeholder={placeholder}
      value={itemsOf(typed).join(", ") === items ? typed : items}
      onValue={(now) => {
        setTyped(now);
        onValue(itemsOf(now));
      }}
    />
  );
}

interface SavedSecretProps {
  ids: ControlIds;
  field: FormField;
  value: FieldValue;
  onValue: (value: FieldValue) => void;
}

/** A stored secret stays as it is until another one is typed, or it is to be removed. */
function SavedSecret({ ids, field, value, onValue }: SavedSecretProps) {
  const text = useText();
  const [replacing, setReplacing] = useState(typeof value === "string" && value !== "");
  const keep = () => {
    onValue("");
    setReplacing(false);
  };
  if (value === false) {
    return (
      <div className="flex items-center gap-3">
        <span role="status" className="text-warn">{text("form.cleared")}</span>
        <Button {...ids} size="small" aria-label={text("form.keepSaved")} onClick={keep}>
          {text("form.keepSaved")}
        </Button>
      </div>
    );
  }
  if (!replacing) {
    return (
      <div className="flex items-center gap-3">
        <span className="text-ink-muted">{text("form.saved")}</span>
        <Button {...ids} size="small" aria-label={text("form.replaceNamed", { label: field.label })} onClick={() => setReplacing(true)}>
          {text("form.replace")}
        </Button>
        <Button look="quiet" size="small" aria-label={text("form.clearNamed", { label: field.label })} onClick={() => onValue(false)}>
          {text("form.clear")}
        </Button>
      </div>
    );
  }
  return (
    <div className="flex flex-col items-start gap-1">
      <div className="w-full">
        <Secret ids={ids} multiline={field.multiline} value={String(value)} onValue={onValue} />
      </div>
      <Button look="quiet" size="small" onClick={keep}>
        {text("form.keepSaved")}
      </Button>
    </div>
  );
}

function Secret({ ids, multiline, value, onValue }: { ids: ControlIds; multiline: boolean; value: string; onValue: (value: string) => void }) {
  const text = useText();
  const [seen, setSeen] = useState(false);
  if (multiline) {
    return (
      <TextArea
        {...ids}
        value={value}
        onValue={onValue}
        placeholder={text("form.dropFile")}
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          const file = event.dataTransfer.files[0];
          if (!file) return;
          event.preventDefault();
          void file.text().then(onValue);
        }}
      />
    );
  }
  return (
    <div className="flex gap-1">
      <TextInput {...ids} type={seen ? "text" : "password"} autoComplete="new-password" value={value} onValue={onValue} />
      <IconButton
        icon={seen ? EyeOff : Eye}
        label={text(seen ? "form.hide" : "form.show")}
        pressed={seen}
        onClick={() => setSeen(!seen)}
        className="size-8!"
      />
    </div>
  );
}
