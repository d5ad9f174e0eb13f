import { useMemo, useState } from "react";
import { useAction } from "~/api/client";
import type { QuarantineRow } from "~/api/generated";
import { useText } from "~/shared/text";
import { Button } from "~/shared/ui/Button";
import { Code } from "~/shared/ui/Code";
import { Drawer } from "~/shared/ui/Dialog";
import { Checkbox, Field, TextInput } from "~/shared/ui/Field";
import { toast } from "~/shared/ui/toast";
import { Problem } from "~/shared/ui/Problem";

interface ReplayDrawerProps {
  open: boolean;
  connection: string;
  table: string;
  rows: readonly QuarantineRow[];
  onClose: () => void;
}

/** Gives rejected rows other values where they did not fit, and loads them again. */
export function ReplayDrawer({ open, connection, table, rows, onClose }: ReplayDrawerProps) {
  const text = useText();
  const replay = useAction("quarantine.replay");
  const [values, setValues] = useState<Readonly<Record<string, string | null>>>({});
  const wrong = useMemo(() => [...new Set(rows.flatMap(({ column }) => column ?? []))], [rows]);
  const set = (column: string, value: string | null | undefined) => {
    const { [column]: _, ...rest } = values;
    setValues(value === undefined ? rest : { ...rest, [column]: value });
  };
  const act = async () => {
    const answer = await replay.run({ connection, table, ids: rows.map(({ id }) => id), values });
    if (!answer) return;
    toast({
      title: text("rejected.loaded", { loaded: answer.loaded, kept: answer.kept.length }),
      look: answer.kept.length > 0 ? "note" : "done",
      ...(answer.kept[0] && { detail: answer.kept[0][1] }),
    });
    onClose();
  };
  return (
    <Drawer
      open={open}
      onClose={onClose}
      title={text("rejected.fixTitle", { count: rows.length, table })}
      footer={
        <>
          <Button onClick={onClose}>{text("common.cancel")}</Button>
          <Button look="primary" disabled={replay.pending} onClick={() => void act()}>
            {text("rejected.retry", { count: rows.length })}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <p className="m-0 text-ink-muted">{text("rejected.fixHelp")}</p>
        {wrong.map((column) => (
          <div key={column} className="flex items-end gap-3">
            <div className="flex-1">
              <Field label={text("rejected.fix", { column })}>
                {(ids) => (
                  <TextInput
                    {...ids}
                    value={values[column] ?? ""}
                    disabled={values[column] === null}
                    onValue={(value) => set(column, value === "" ? undefined : value)}
                  />
                )}
              </Field>
            </div>
            <Checkbox
              label={text("rejected.asNull")}
              checked={values[column] === null}
              onValue={(on) => set(column, on ? null : undefined)}
              className="h-8"
            />
          </div>
        ))}
        {replay.error !== null && <Problem error={replay.error} />}
        {rows[0] && (
          <section className="flex flex-col gap-1">
            <h3 className="text-body font-medium">{text("rejected.row")}</h3>
            <Code>{rows[0].row}</Code>
          </section>
        )}
      </div>
    </Drawer>
  );
}
