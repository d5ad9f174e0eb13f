import { Plus, X } from "lucide-react";
import type { FormField } from "~/api/generated";
import { SchemaForm } from "~/domains/systems/SchemaForm";
import { useText } from "~/shared/text";
import { Button, IconButton } from "~/shared/ui/Button";
import { Choices, Field, TextInput } from "~/shared/ui/Field";
import { Select } from "~/shared/ui/Select";
import { Deferred } from "./Deferred";
import { at, type Fields, type Json, textAt } from "./json";
import type { Edit, Manifest } from "./manifest";
import { GuessChip, Remarks } from "./Remark";
import { type SignIn, signInEdits, signInOf, type SignInWay, signInWays } from "./signIn";
import { useBuilder } from "./store";
import { Custom } from "./TableForm";

interface FormProps {
  manifest: Manifest;
  /** The settings of the connector, as a form. */
  fields: readonly FormField[];
}

/** What all tables share, and what a test needs to know. */
export function ConnectionForm({ manifest, fields }: FormProps) {
  const text = useText();
  const apply = useBuilder((builder) => builder.apply);
  const path = [...manifest.requester, "url_base"];
  return (
    <div className="flex flex-col gap-5">
      <div className="flex flex-col gap-2">
        <Field label={text("builder.base")} help={text("builder.baseHelp")}>
          {(ids) => <TextInput {...ids} value={textAt(manifest.raw, path) ?? ""} onValue={(value) => apply([{ path, value }])} />}
        </Field>
        <GuessChip path={path} />
        <Remarks field="address" manifest={manifest} table={null} apply={apply} />
      </div>
      <Settings fields={fields} />
    </div>
  );
}

export function SignInForm({ manifest, fields }: FormProps) {
  const text = useText();
  const apply = useBuilder((builder) => builder.apply);
  const signIn = signInOf(manifest);
  const change = (next: SignIn) => apply(signInEdits(manifest, next));
  return (
    <div className="flex flex-col gap-5">
      <div className="flex flex-col gap-3">
        {signIn === "custom" ? (
          <Custom label={text("builder.signIn")} />
        ) : (
          <>
            <Choices
              legend={text("builder.signIn")}
              choices={signInWays.map((value) => ({ value, label: text(`builder.signIn.${value}`) }))}
              value={signIn.way}
              onValue={(way) => change(asWay(way, signIn))}
            />
            {(signIn.way === "header" || signIn.way === "parameter") && (
              <Field label={text(`builder.signInName.${signIn.way}`)}>
                {(ids) => <Deferred {...ids} value={signIn.name} onCommit={(name) => change({ ...signIn, name })} />}
              </Field>
            )}
            {signIn.way === "client" && (
              <Field label={text("builder.tokenUrl")}>
                {(ids) => <Deferred {...ids} value={signIn.tokenUrl} onCommit={(tokenUrl) => change({ ...signIn, tokenUrl })} />}
              </Field>
            )}
          </>
        )}
        <GuessChip path={[...manifest.requester, "authenticator"]} />
        <Remarks field="sign_in" manifest={manifest} table={null} apply={apply} />
      </div>
      <Settings fields={fields} />
    </div>
  );
}

function asWay(way: SignInWay, before: SignIn): SignIn {
  const name = "name" in before ? before.name : "";
  switch (way) {
    case "header":
      return { way, name: name || "X-Api-Key" };
    case "parameter":
      return { way, name: name || "api_key" };
    case "client":
      return { way, tokenUrl: "https://" };
    default:
      return { way };
  }
}

function Settings({ fields }: { fields: readonly FormField[] }) {
  const text = useText();
  const values = useBuilder((builder) => builder.values);
  const setValues = useBuilder((builder) => builder.setValues);
  return (
    <section className="flex flex-col gap-3 border-t border-border pt-4">
      <div>
        <h3 className="text-heading">{text("builder.settings")}</h3>
        <p className="m-0 text-ink-muted">{text(fields.length > 0 ? "builder.settingsHelp" : "builder.noSettings")}</p>
      </div>
      {fields.length > 0 && <SchemaForm fields={fields} values={values} onValues={setValues} strict={false} secretStore={undefined} />}
    </section>
  );
}

const actions = ["RETRY", "IGNORE", "FAIL", "RATE_LIMITED"] as const;
type Action = (typeof actions)[number];

interface Rule {
  codes: string;
  action: Action;
}

/** The rules of an error handler; null: it says more than the form knows. */
function rulesOf(handler: Json | undefined): Rule[] | null {
  if (handler === undefined || handler === null) return [];
  const filters = at(handler, ["response_filters"]) ?? [];
  if (textAt(handler, ["type"]) !== "DefaultErrorHandler" || !Array.isArray(filters)) return null;
  const known = new Set(["type", "response_filters"]);
  if (Object.keys(handler as Fields).some((name) => !known.has(name))) return null;
  const rules = filters.map((filter) => {
    const codes = at(filter, ["http_codes"]);
    const action = actions.find((each) => each === textAt(filter, ["action"]));
    const plain = Object.keys((filter ?? {}) as Fields).every((name) => ["type", "http_codes", "action"].includes(name));
    return plain && Array.isArray(codes) && action ? { codes: codes.join(", "), action } : null;
  });
  return rules.every((rule) => rule !== null) ? rules : null;
}

function handlerOf(rules: readonly Rule[]): Json | undefined {
  if (rules.length === 0) return undefined;
  const filters = rules.map(({ codes, action }) => ({
    type: "HttpResponseFilter",
    http_codes: codes.split(/[\s,]+/).filter((code) => /^\d{3}$/.test(code)).map(Number),
    action,
  }));
  return { type: "DefaultErrorHandler", response_filters: filters };
}

export function ErrorsForm({ manifest }: { manifest: Manifest }) {
  const text = useText();
  const apply = useBuilder((builder) => builder.apply);
  const path = [...manifest.requester, "error_handler"];
  const rules = rulesOf(at(manifest.whole, path));
  const write = (next: readonly Rule[]) => apply([{ path, value: handlerOf(next) }]);
  return (
    <div className="flex flex-col gap-5">
      {rules === null ? (
        <Custom label={text("builder.errors")} />
      ) : (
        <section className="flex flex-col gap-3">
          <div>
            <h3 className="text-heading">{text("builder.errors")}</h3>
            <p className="m-0 text-ink-muted">{text("builder.errorsHelp")}</p>
          </div>
          {rules.map((rule, index) => (
            // Rules are their position.
            // oxlint-disable-next-line react/no-array-index-key
            <div key={index} className="flex items-center gap-2">
              <Deferred aria-label={text("builder.errorCodes")} className="w-32!" value={rule.codes} onCommit={(codes) => write(rules.with(index, { ...rule, codes }))} />
              <Select
                label={text("builder.errorAction")}
                className="min-w-44"
                choices={actions.map((value) => ({ value, label: text(`builder.errorAction.${value}`) }))}
                value={rule.action}
                onValue={(action) => write(rules.with(index, { ...rule, action }))}
              />
              <IconButton icon={X} label={text("builder.errorRemove", { codes: rule.codes })} onClick={() => write(rules.toSpliced(index, 1))} />
            </div>
          ))}
          <Button size="small" icon={Plus} className="self-start" onClick={() => write([...rules, { codes: "404", action: "IGNORE" }])}>
            {text("builder.errorAdd")}
          </Button>
        </section>
      )}
      <Remarks field="errors" manifest={manifest} table={null} apply={apply} />
      <Budget manifest={manifest} apply={apply} />
    </div>
  );
}

/** How many requests a minute, at most. */
function Budget({ manifest, apply }: { manifest: Manifest; apply: (edits: readonly Edit[]) => void }) {
  const text = useText();
  const budget = at(manifest.whole, ["api_budget"]);
  const rates = at(budget, ["policies", "0", "rates"]);
  const [rate] = Array.isArray(rates) ? rates : [];
  const limit = at(rate, ["limit"]);
  const known = budget === undefined || (textAt(rate, ["interval"]) === "PT1M" && Array.isArray(rates) && rates.length === 1);
  if (!known) return <Custom label={text("builder.budget")} />;
  const write = (typed: string) => {
    const number = Number(typed);
    const policy = {
      type: "MovingWindowCallRatePolicy",
      rates: [{ type: "Rate", limit: number, interval: "PT1M" }],
      matchers: [],
    };
    apply([{ path: ["api_budget"], value: Number.isInteger(number) && number > 0 ? { type: "HTTPAPIBudget", policies: [policy] } : undefined }]);
  };
  return (
    <Field label={text("builder.budget")} help={text("builder.budgetHelp")}>
      {(ids) => <Deferred {...ids} inputMode="numeric" className="num max-w-32" value={limit === undefined ? "" : String(limit)} onCommit={write} />}
    </Field>
  );
}
