import type { FormField } from "~/api/generated";

/** What the person typed, by path ("ssh.host"). Flat on purpose: a branch that is switched away keeps its values. */
export type Values = Readonly<Record<string, FieldValue>>;
export type FieldValue = string | boolean | readonly string[];

export type Problem = "required" | "number" | "integer" | "minimum" | "maximum";

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
  if (typeof value === "boolean") return null;
  if (value.length === 0) return field.required ? "required" : null;
  if (field.control !== "number" || typeof value !== "string") return null;
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

/** What is sent: only fields that apply and hold something. */
export function assemble(fields: readonly FormField[], values: Values): Assembled {
  const config: Record<string, unknown> = {};
  const secrets: Record<string, string> = {};
  for (const field of applicable(fields, values)) {
    const value = valueOf(field, values);
    if (field.control === "secret") {
      if (typeof value === "string" && value !== "") secrets[keyOf(field.path)] = value;
    } else if (field.control === "switch") {
      if (value === true) put(config, field.path, {});
    } else if (field.control === "number") {
      if (typeof value === "string" && value.trim() !== "") put(config, field.path, Number(value));
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

/** Fills fields from a connection address: `postgres://user:password@host:5432/database`. */
export function fromAddress(address: string, fields: readonly FormField[]): Values {
  let url: URL;
  try {
    url = new URL(address.trim());
  } catch {
    return {};
  }
  const parts: Record<string, string> = {
    host: url.hostname,
    port: url.port,
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.replace(/^\//, "")),
    path: decodeURIComponent(url.pathname),
  };
  const known = fields.filter(({ path }) => path.length === 1);
  const values: Record<string, FieldValue> = {};
  for (const { path } of known) {
    const part = parts[path[0] ?? ""];
    if (part) values[keyOf(path)] = part;
  }
  return values;
}
