import { Trash2 } from "lucide-react";
import { type ReactNode, useId } from "react";
import { useText } from "~/shared/text";
import { useFormat } from "~/shared/text/format";
import { Badge } from "~/shared/ui/State";
import { Button } from "~/shared/ui/Button";
import { Choices, Field, TextArea, TextInput } from "~/shared/ui/Field";
import { Select } from "~/shared/ui/Select";
import { Deferred } from "./Deferred";
import { estimateOf, limitOf } from "./estimate";
import { formatOf, guessedAt, pagingEdits, placeName, rowsEdits } from "./findings";
import {
  ADDRESS,
  type Edit,
  KEY,
  type Manifest,
  newerEdits,
  type Newer,
  PARENT,
  parametersEdit,
  parentEdits,
  removeTable,
  schemaEdits,
  shownAddress,
  type Table,
  writtenAddress,
} from "./manifest";
import { asWay, pagingWays } from "./paging";
import { PagingFields } from "./PagingFields";
import { GuessChip, Remarks } from "./Remark";
import { useBuilder } from "./store";
import type { Json, Path } from "./json";

interface TableFormProps {
  manifest: Manifest;
  table: Table;
}

/** One table: what is asked, where its rows are, how pages and new rows are asked for. */
export function TableForm({ manifest, table }: TableFormProps) {
  const text = useText();
  const apply = useBuilder((builder) => builder.apply);
  const show = useBuilder((builder) => builder.show);
  const rename = (name: string) => {
    const checked = manifest.raw && [{ path: ["check", "stream_names"], value: [name] } satisfies Edit];
    apply([{ path: [...table.path, "name"], value: name }, ...(manifest.tables[0] === table && checked ? checked : [])]);
    show({ table: name });
  };
  const shared = { manifest, table, apply };
  return (
    <div className="flex flex-col gap-5">
      <div className="flex items-end gap-2">
        <div className="min-w-0 flex-1">
          <Field label={text("builder.tableName")}>{(ids) => <Deferred {...ids} value={table.name} onCommit={(name) => rename(name.trim().replaceAll(/\s/g, "_") || table.name)} />}</Field>
        </div>
        <Button
          icon={Trash2}
          aria-label={text("builder.removeTableOf", { name: table.name })}
          title={text("builder.removeTable")}
          onClick={() => {
            show("connection");
            apply(removeTable(manifest, table));
          }}
        />
      </div>
      <Slot {...shared} field="path" path={ADDRESS}>
        <Field label={text("builder.path")} help={text("builder.pathHelp")}>
          {(ids) => (
            <div className="flex gap-2">
              <Select
                label={text("builder.method")}
                className="w-24 shrink-0"
                choices={["GET", "POST"].map((value) => ({ value, label: value }))}
                value={table.method}
                onValue={(method) => apply([{ path: [...table.path, "retriever", "requester", "http_method"], value: method }])}
              />
              <TextInput {...ids} value={shownAddress(table.address)} onValue={(address) => apply([{ path: [...table.path, ...ADDRESS], value: writtenAddress(address) }])} />
            </div>
          )}
        </Field>
      </Slot>
      <RowsField {...shared} />
      <Pages {...shared} />
      <Slot {...shared} field="key" path={guessedAt.key}>
        {table.key === "custom" ? (
          <Custom label={text("builder.key")} />
        ) : (
          <Field label={text("builder.key")} help={text("builder.keyHelp")}>
            {(ids) => (
              <Deferred
                {...ids}
                value={table.key.toString().replaceAll(",", ", ")}
                onCommit={(typed) => {
                  const key = typed.split(",").map((each) => each.trim()).filter(Boolean);
                  apply([{ path: [...table.path, ...KEY], value: key }]);
                }}
              />
            )}
          </Field>
        )}
      </Slot>
      <NewerField {...shared} />
      <ParentField {...shared} />
      <Parameters {...shared} />
      <SchemaField {...shared} />
    </div>
  );
}

interface SharedProps extends TableFormProps {
  apply: (edits: readonly Edit[]) => void;
}

/** A field with its guess and with what the test says about it. */
function Slot({ manifest, table, apply, field, path, children }: SharedProps & { field: "path" | "rows" | "pages" | "key" | "incremental" | "schema"; path: Path; children: ReactNode }) {
  return (
    <div className="flex flex-col gap-2" data-slot={field}>
      {children}
      <GuessChip path={[...table.path, ...path]} />
      <Remarks field={field} manifest={manifest} table={table} apply={apply} />
    </div>
  );
}

/** What the form cannot say stays as it is written. */
export function Custom({ label }: { label: string }) {
  const text = useText();
  const setAsText = useBuilder((builder) => builder.setAsText);
  return (
    <div className="flex flex-col gap-1">
      <span className="flex items-center gap-2 font-medium">
        {label} <Badge>{text("builder.custom")}</Badge>
      </span>
      <p className="m-0 text-ink-muted">{text("builder.customHelp")}</p>
      <Button size="small" className="self-start" onClick={() => setAsText(true)}>
        {text("builder.customEdit")}
      </Button>
    </div>
  );
}

const OTHER = "\u0000other";

function RowsField({ manifest, table, apply }: SharedProps) {
  const text = useText();
  const found = useBuilder(({ trials }) => trials[table.name]?.examined.arrays) ?? [];
  if (table.rows === "custom") return <Custom label={text("builder.rows")} />;
  const now = table.rows.join(".");
  const places = [...new Set([now, "", ...found.map(({ path }) => path.join("."))])];
  const choices = [
    ...places.map((place) => ({ value: place, label: placeName(text, place === "" ? [] : place.split(".")) })),
    { value: OTHER, label: text("builder.rowsOther") },
  ];
  return (
    <Slot manifest={manifest} table={table} apply={apply} field="rows" path={guessedAt.rows}>
      <Field label={text("builder.rows")}>
        {(ids) => (
          <Select
            {...ids}
            choices={choices}
            value={now}
            onValue={(place) => apply(rowsEdits(table, place === OTHER ? ["data"] : place === "" ? [] : place.split(".")))}
          />
        )}
      </Field>
      {now !== "" && (
        <Field label={text("builder.rowsPath")} help={text("builder.rowsPathHelp")}>
          {(ids) => <Deferred {...ids} value={now} onCommit={(place) => apply(rowsEdits(table, place.split(".").filter(Boolean)))} />}
        </Field>
      )}
    </Slot>
  );
}

function Pages({ manifest, table, apply }: SharedProps) {
  const text = useText();
  const { paging } = table;
  if (paging === "custom") return <Custom label={text("builder.pages")} />;
  return (
    <Slot manifest={manifest} table={table} apply={apply} field="pages" path={guessedAt.pages}>
      <Choices
        legend={text("builder.pages")}
        choices={pagingWays.map((value) => ({ value, label: text(`builder.pages.${value}`) }))}
        value={paging.way}
        onValue={(way) => apply(pagingEdits(table, asWay(way, paging)))}
      />
      <PagingFields paging={paging} onPaging={(next) => apply(pagingEdits(table, next))} />
    </Slot>
  );
}

function NewerField({ manifest, table, apply }: SharedProps) {
  const text = useText();
  const examined = useBuilder(({ trials }) => trials[table.name]?.examined);
  if (table.newer === "custom") return <Custom label={text("builder.newer")} />;
  const { newer } = table;
  const change = (next: Newer | null) => apply(newerEdits(manifest, table, next));
  const fields = [...new Set([newer?.field, ...(examined?.times.map(({ field }) => field) ?? [])])].filter((field) => field !== undefined);
  const choices = [
    { value: "", label: text("builder.newerAll") },
    ...fields.map((field) => ({ value: field, label: field })),
    { value: OTHER, label: text("builder.newerOther") },
  ];
  const pick = (field: string) => {
    if (field === "") return change(null);
    const named = field === OTHER ? "updated_at" : field;
    return change({ field: named, format: formatOf(examined, named), parameter: newer?.parameter ?? "" });
  };
  return (
    <Slot manifest={manifest} table={table} apply={apply} field="incremental" path={guessedAt.incremental}>
      <Field label={text("builder.newer")}>{(ids) => <Select {...ids} choices={choices} value={newer?.field ?? ""} onValue={pick} />}</Field>
      {newer && (
        <>
          <div className="grid grid-cols-2 gap-3">
            <Field label={text("builder.newerField")}>{(ids) => <TextInput {...ids} value={newer.field} onValue={(field) => change({ ...newer, field })} />}</Field>
            <Field label={text("builder.newerFormat")}>{(ids) => <TextInput {...ids} className="font-mono text-code" value={newer.format} onValue={(format) => change({ ...newer, format })} />}</Field>
          </div>
          <Field label={text("builder.newerParameter")} help={text("builder.newerParameterHelp")}>
            {(ids) => <TextInput {...ids} value={newer.parameter} onValue={(parameter) => change({ ...newer, parameter })} />}
          </Field>
        </>
      )}
    </Slot>
  );
}

/** How many requests that makes, from what the tests have shown. */
function RequestCount({ manifest, table, parent }: { manifest: Manifest; table: Table; parent: string }) {
  const text = useText();
  const format = useFormat();
  const trials = useBuilder((builder) => builder.trials);
  const limit = limitOf(manifest);
  const estimate = estimateOf(trials[table.name], trials[parent], limit);
  if (!estimate) return <p className="m-0 text-ink-muted">{text("builder.parentUntested", { parent })}</p>;
  const { requests, parents, parentPages, atLeast, each, asked, pages, ms } = estimate;
  const duration = ms === null ? "none" : format.duration(ms);
  return (
    <p className="m-0" data-estimate={requests}>
      {text("builder.parentRequests", { atLeast: String(atLeast), requests, duration })}
      <span className="block text-ink-muted">
        {text("builder.parentBasis", { parent, parents, parentPages, each: format.exact(Math.round(each * 10) / 10), asked, pages, limit: limit ?? 0 })}
      </span>
    </p>
  );
}

function ParentField({ manifest, table, apply }: SharedProps) {
  const text = useText();
  if (table.parent === "custom") return <Custom label={text("builder.parent")} />;
  const { parent } = table;
  const others = manifest.tables.filter((each) => each !== table && each.parent === null).map(({ name }) => name);
  if (others.length === 0 && parent === null) return null;
  const inPath = /\{(\w+)\}/.exec(shownAddress(table.address))?.[1] ?? "parent_id";
  const choices = [{ value: "", label: text("builder.parentNone") }, ...others.map((name) => ({ value: name, label: name }))];
  const pick = (name: string) => {
    const other = manifest.tables.find((each) => each.name === name);
    const key = other && other.key !== "custom" ? (other.key[0] ?? "id") : "id";
    apply(parentEdits(manifest, table, name === "" ? null : { table: name, key, field: parent?.field ?? inPath }));
  };
  return (
    <div className="flex flex-col gap-2">
      <Field label={text("builder.parent")}>{(ids) => <Select {...ids} choices={choices} value={parent?.table ?? ""} onValue={pick} />}</Field>
      {parent && <RequestCount manifest={manifest} table={table} parent={parent.table} />}
      {parent && (
        <div className="grid grid-cols-2 gap-3">
          <Field label={text("builder.parentKey")}>
            {(ids) => <TextInput {...ids} value={parent.key} onValue={(key) => apply(parentEdits(manifest, table, { ...parent, key }))} />}
          </Field>
          <Field label={text("builder.parentField")}>
            {(ids) => <TextInput {...ids} value={parent.field} onValue={(field) => apply(parentEdits(manifest, table, { ...parent, field }))} />}
          </Field>
        </div>
      )}
      <GuessChip path={[...table.path, ...PARENT]} />
    </div>
  );
}

function Parameters({ table, apply }: SharedProps) {
  const text = useText();
  if (table.parameters === "custom") return <Custom label={text("builder.parameters")} />;
  const written = Object.entries(table.parameters).map(([name, value]) => `${name}=${String(value)}`).join("\n");
  const read = (lines: string) =>
    Object.fromEntries(
      lines.split("\n").flatMap((line) => {
        const [, name, value] = /^\s*([^=]+?)\s*=(.*)$/.exec(line) ?? [];
        return name === undefined ? [] : [[name, value ?? ""]];
      }),
    );
  return (
    <Field label={text("builder.parameters")} help={text("builder.parametersHelp")}>
      {(ids) => (
        <TextArea
          {...ids}
          key={written}
          defaultValue={written}
          className="min-h-16!"
          onValue={() => undefined}
          onBlur={(event) => {
            if (event.target.value !== written) apply([parametersEdit(table, read(event.target.value))]);
          }}
        />
      )}
    </Field>
  );
}

function SchemaField({ manifest, table, apply }: SharedProps) {
  const text = useText();
  const schema = useBuilder(({ trials }) => trials[table.name]?.schema) as Json | undefined;
  const heading = useId();
  return (
    <Slot manifest={manifest} table={table} apply={apply} field="schema" path={["schema_loader"]}>
      <div role="group" aria-labelledby={heading} className="flex flex-col gap-1">
        <span id={heading} className="font-medium">
          {text("builder.schema")}
        </span>
        <span className="text-ink-muted">{table.columns ? text("builder.schemaCount", { count: table.columns }) : text("builder.schemaNone")}</span>
        {schema !== undefined && schema !== null && (
          <Button size="small" className="self-start" onClick={() => apply(schemaEdits(manifest, table, schema))}>
            {text("builder.schemaLock")}
          </Button>
        )}
      </div>
    </Slot>
  );
}
