import type { AddressAnswer, FormField } from "~/api/generated";

/** What the person typed, by path ("ssh.host"). Flat on purpose: a branch that is switched away keeps its values. A stored
 * secret that is to be removed is `false`. */
export type Values = Readonly<Record<string, FieldValue>>;
export type FieldValue = string | boolean | readonly string[];

export type Problem = "required" | "number" | "integer" | "minimum" | "maximum";

/** What project files write for a connector: its name, with a version where one is named. */
export function referenceOf(connector: string, version: string | null): string {
  return version === null ? connector : `${connector}@${version}`;
}

export function keyOf(path: readonly string[]): string {
  return path.join(".");
}

/** The value a field begins with. Numbers are text while they are edited. */
export function initialOf(field: FormField): FieldValue {
  const given = field.default;
  switch (field.control) {
    case "boolean":
    case "switch":
      return given === true;
    case "list":
      return Array.isArray(given) ? given.map(String) : [];
    default:
      return given === null || given === undefined || typeof given === "object" ? "" : String(given);
  }
}

export function valueOf(field: FormField, values: Values): FieldValue {
  return values[keyOf(field.path)] ?? initialOf(field);
}

/** The fields that apply now: those whose condition, and the condition of what that hangs on, holds. */
export function applicable(fields: readonly FormField[], values: Values): FormField[] {
  const byKey = new Map(fields.map((field) => [keyOf(field.path), field]));
  const holds = (field: FormField): boolean => {
    if (!field.condition) return true;
    const decider = byKey.get(keyOf(field.condition.path));
    if (!decider) return true;
    return holds(decider) && String(valueOf(decider, values)) === String(field.condition.equals);
  };
  return fields.filter(holds);
}

/** What is wrong with a field, when something is. The verdict that counts comes from the engine. */
export function problemOf(field: FormField, values: Values): Problem | null {
  const value = valueOf(field, values);
  if (field.control === "secret" && value === false) return field.required ? "required" : null;
  if (typeof value === "boolean") return null;
  if (value.length === 0) return field.required ? "required" : null;
  if (field.control !== "number" || typeof value !== "string") return null;
  if (isReference(value)) return null;
  const number = Number(value);
  if (value.trim() === "" || Number.isNaN(number)) return "number";
  if (!Number.isInteger(number)) return "integer";
  if (field.minimum !== null && number < field.minimum) return "minimum";
  if (field.maximum !== null && number > field.maximum) return "maximum";
  return null;
}

export interface Assembled {
  config: Record<string, unknown>;
  /** Secrets by path, apart from everything that may be stored or logged. */
  secrets: Record<string, string>;
}

/** `${env:PORT}`: what stands there is known only where the engine runs. */
function isReference(value: string): boolean {
  return /^\$\{[^}]+\}$/.test(value.trim());
}

/** What is sent: only fields that apply and hold something. `references` stand for secrets that are stored already and
 * not replaced. */
export function assemble(fields: readonly FormField[], values: Values, references: References = {}): Assembled {
  const config: Record<string, unknown> = {};
  const secrets: Record<string, string> = {};
  for (const field of applicable(fields, values)) {
    const value = valueOf(field, values);
    if (field.control === "secret") {
      const reference = references[keyOf(field.path)];
      if (typeof value === "string" && value !== "") secrets[keyOf(field.path)] = value;
      else if (reference !== undefined && value !== false) put(config, field.path, reference);
    } else if (field.control === "switch") {
      if (value === true) put(config, field.path, {});
    } else if (field.control === "number") {
      if (typeof value === "string" && value.trim() !== "") put(config, field.path, isReference(value) ? value.trim() : Number(value));
    } else if (typeof value === "boolean" || value.length > 0) {
      put(config, field.path, value);
    }
  }
  return { config, secrets };
}

function put(config: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let at = config;
  for (const part of path.slice(0, -1)) {
    const next = at[part];
    if (isRecord(next)) at = next;
    else {
      const made: Record<string, unknown> = {};
      at[part] = made;
      at = made;
    }
  }
  const last = path.at(-1);
  if (last === undefined) return;
  // A switch may come after its members: it must not empty what they filled.
  if (isRecord(value) && isRecord(at[last])) return;
  at[last] = value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Values without secrets: what may be kept in a draft. */
export function withoutSecrets(fields: readonly FormField[], values: Values): Values {
  const secret = new Set(fields.filter(({ control }) => control === "secret").map(({ path }) => keyOf(path)));
  return Object.fromEntries(Object.entries(values).filter(([key]) => !secret.has(key)));
}

/** References to stored secrets (`${secret:NAME}`), by path. */
export type References = Readonly<Record<string, string>>;

/** Stored settings as values of a form. Secrets are references, and references are nothing to type over. */
export function fromConfig(fields: readonly FormField[], config: Record<string, unknown>): Values {
  const values: Record<string, FieldValue> = {};
  for (const field of fields) {
    const value = at(config, field.path);
    if (field.control === "switch") values[keyOf(field.path)] = value !== undefined && value !== null && value !== false;
    else if (field.control !== "secret") {
      const typed = asValue(value);
      if (typed !== null) values[keyOf(field.path)] = typed;
    }
  }
  return values;
}

/** The references that stand in stored settings at the paths of secrets. */
export function referencesOf(config: Record<string, unknown>, paths: readonly string[]): References {
  const found: Record<string, string> = {};
  for (const path of paths) {
    const value = at(config, path.split("."));
    if (typeof value === "string") found[path] = value;
  }
  return found;
}

function at(config: Record<string, unknown>, path: readonly string[]): unknown {
  let value: unknown = config;
  for (const part of path) value = isRecord(value) ? value[part] : undefined;
  return value;
}

function asValue(value: unknown): FieldValue | null {
  if (typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  return Array.isArray(value) ? value.map(String) : null;
}

/** What a pasted address fills: what may be kept, and apart from it what may not. */
export interface Pasted {
  values: Values;
  secrets: Values;
}

/** Whether a text begins like `postgres://db…`. */
export function isAddress(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\/\S/i.test(text.trim());
}

/** The engine says which fields an address fills. It does not repeat secrets: those are read from the address here. */
export function fromAddress(answer: AddressAnswer, address: string): Pasted {
  const values: Record<string, FieldValue> = {};
  for (const [path, value] of Object.entries(answer.values)) {
    const typed = asValue(value);
    if (typed === null) continue;
    // A field of a group that is switched off would not be seen.
    const parent = path.split(".").slice(0, -1).join(".");
    if (parent !== "") values[parent] = true;
    values[path] = typed;
  }
  const secrets: Record<string, string> = {};
  for (const path of answer.secrets) {
    const secret = secretIn(address, path);
    if (secret !== null) secrets[path] = secret;
  }
  return { values, secrets };
}

// The names that other Postgres programs use in addresses.
const queryNames: Record<string, string> = { sslrootcert: "ssl.ca" };

function secretIn(address: string, path: string): string | null {
  if (path === "url") return address.trim();
  if (!URL.canParse(address.trim())) return null;
  const url = new URL(address.trim());
  const asked = [...url.searchParams].find(([name]) => (queryNames[name] ?? name) === path)?.[1];
  if (asked !== undefined) return asked;
  return path === "password" && url.password !== "" ? decoded(url.password) : null;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A lone percent sign: it was meant as one.
    return text;
  }
}
