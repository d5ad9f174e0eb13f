import { useAnswer } from "~/api/client";
import type { ConnectorInfo, FormField, Side, SystemInfo } from "~/api/generated";
import { useText } from "~/shared/text";
import { Answer } from "~/shared/ui/Answer";
import { Button } from "~/shared/ui/Button";
import type { Values } from "./form";
import { SystemForm } from "./SystemForm";

interface SystemSetupProps {
  side: Side;
  connector: ConnectorInfo;
  /** Empty for a new system that has no name yet. */
  name: string;
  /** What is known already; without secrets. */
  values: Values;
  /** Secrets of a pasted address. They live in the form only. */
  secrets: Values;
  onDraft: (name: string, values: Values, fields: readonly FormField[]) => void;
  onSaved: (system: SystemInfo) => void;
  onAnother: () => void;
}

/** The settings of a new system: form, guide beside it, live test, save. */
export function SystemSetup({ side, connector, name, values, secrets, onDraft, onSaved, onAnother }: SystemSetupProps) {
  const text = useText();
  const form = useAnswer("connectors.form", { connector: connector.name, side });
  const systems = useAnswer("systems.list", null);
  return (
    <Answer of={form} doing={text("wizard.loading")}>
      {(found) => (
        <Answer of={systems} doing={text("wizard.loading")}>
          {(all) => {
            const taken = new Set(all.filter((each) => each.side === side).map((each) => each.name));
            return (
              <SystemForm
                key={`${side}:${connector.name}`}
                side={side}
                connector={connector}
                form={found}
                begin={{ name: name === "" ? freeName(connector.name, taken) : name, values: { ...values, ...secrets } }}
                taken={taken}
                onChange={(next, typed) => onDraft(next, typed, found.fields)}
                onSaved={onSaved}
                aside={
                  <Button look="quiet" size="small" onClick={onAnother}>
                    {text("wizard.another")}
                  </Button>
                }
              />
            );
          }}
        </Answer>
      )}
    </Answer>
  );
}

/** `postgres`, or `postgres-2` when that is taken. */
export function freeName(wanted: string, taken: ReadonlySet<string>): string {
  if (!taken.has(wanted)) return wanted;
  let number = 2;
  while (taken.has(`${wanted}-${number}`)) number += 1;
  return `${wanted}-${number}`;
}
