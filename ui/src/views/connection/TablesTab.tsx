import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useAction, useAnswer } from "~/api/client";
import type { FoundTable } from "~/api/generated";
import { asConfig, fromConfig, type Selection, type TableConfig, unticked } from "~/domains/tables/selection";
import { TablesStep } from "~/domains/tables/TablesStep";
import { useText } from "~/shared/text";
import { Answer } from "~/shared/ui/Answer";
import { Problem } from "~/shared/ui/Problem";
import { toast } from "~/shared/ui/toast";
import type { PartProps } from "./ConnectionView";

interface Config {
  source: string;
  tables: readonly TableConfig[];
}

/** Which tables and columns of a connection are synced, and how. Saving changes its file and syncs nothing: what it
 * means for the destination is seen in the plan. */
export default function TablesTab({ name, detail }: PartProps) {
  const text = useText();
  // The engine wrote it from the same types.
  const config = detail.config as unknown as Config;
  const answer = useAnswer("discover", { source: config.source, refresh: false });
  return (
    <Answer of={answer} doing={text("tables.loading")} rows={12}>
      {(found) => <Chooser name={name} config={config} found={found} />}
    </Answer>
  );
}

function Chooser({ name, config, found }: { name: string; config: Config; found: readonly FoundTable[] }) {
  const text = useText();
  const navigate = useNavigate();
  const save = useAction("connections.save");
  const before = useMemo(() => fromConfig(found, config.tables), [found, config]);
  const [selection, setSelection] = useState<Selection>(before);

  const apply = async (tables: readonly FoundTable[]) => {
    const next = { ...config, tables: asConfig(tables, selection, config.tables) };
    if ((await save.run({ connection: name, config: { ...next } as never })) === undefined) return;
    toast({
      title: text("tables.saved", { name }),
      action: { label: text("common.undo"), run: () => void save.run({ connection: name, config: { ...config } as never }) },
    });
    await navigate({ to: "/connections/$name/$tab", params: { name, tab: "plan" } });
  };
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      {save.error !== null && <Problem error={save.error} className="mx-6 my-3" />}
      <TablesStep
        source={config.source}
        selection={selection}
        onSelection={setSelection}
        onContinue={(tables) => void apply(tables)}
        leaving={unticked(config.tables, selection)}
        action={{
          label: text("tables.save"),
          blocked: selection === before ? text("tables.noChange") : undefined,
        }}
      />
    </div>
  );
}
