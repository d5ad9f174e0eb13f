/** Plain values of a manifest, and the way through them. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Fields = { [key: string]: Json };
export type Path = readonly string[];

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function at(value: Json | undefined, path: Path): Json | undefined {
  let found: Json | undefined = value;
  for (const step of path) {
    if (Array.isArray(found)) found = found[Number(step)];
    else found = isFields(found) && Object.hasOwn(found, step) ? found[step] : undefined;
  }
  return found;
}

export function textAt(value: Json | undefined, path: Path): string | undefined {
  const found = at(value, path);
  return typeof found === "string" ? found : undefined;
}

/** Texts of a list; a single text is a list of one. Undefined when something else stands there. */
export function textsAt(value: Json | undefined, path: Path): string[] | undefined {
  const found = at(value, path);
  if (typeof found === "string") return found === "" ? [] : [found];
  if (!Array.isArray(found)) return undefined;
  return found.every((item) => typeof item === "string") ? found : undefined;
}

export function startsWith(path: Path, beginning: Path): boolean {
  return beginning.length <= path.length && beginning.every((step, index) => step === path[index]);
}

const DEPTH_MAX = 64;

/** The same value with what its references lead to: fields beside a reference win, as for the interpreter. A circle stays as it is. */
export function resolved(root: Json, value: Json = root, depth = 0): Json {
  if (depth > DEPTH_MAX) return value;
  if (typeof value === "string" && value.startsWith("#/")) {
    const target = at(root, pointer(value));
    return target === undefined ? value : resolved(root, target, depth + 1);
  }
  if (Array.isArray(value)) return value.map((item) => resolved(root, item, depth + 1));
  if (!isFields(value)) return value;
  const { $ref: reference, ...own } = value;
  const fields = Object.fromEntries(Object.entries(own).map(([key, field]) => [key, resolved(root, field, depth + 1)]));
  if (typeof reference !== "string") return fields;
  const target = at(root, pointer(reference));
  const inherited = target === undefined ? {} : resolved(root, target, depth + 1);
  return isFields(inherited) ? { ...inherited, ...fields } : inherited;
}

/** `#/definitions/requester` as a path. */
export function pointer(reference: string): string[] {
  return reference.replace(/^#\//, "").split("/");
}

/** Where a value really stands: through the references on the way. Null: nowhere. */
export function located(root: Json, path: Path): string[] | null {
  let here: string[] = [];
  let hops = 0;
  const follow = (): boolean => {
    const value = at(root, here);
    const reference = typeof value === "string" ? value : isFields(value) ? value["$ref"] : undefined;
    if (typeof reference !== "string" || !reference.startsWith("#/") || (hops += 1) > DEPTH_MAX) return false;
    here = pointer(reference);
    return true;
  };
  for (const step of path) {
    for (;;) {
      const value = at(root, here);
      if (at(value, [step]) !== undefined) {
        here = [...here, step];
        break;
      }
      if (!follow()) return null;
    }
  }
  // The value itself may be a reference and nothing else.
  for (;;) {
    const value = at(root, here);
    const bare = (isFields(value) && "$ref" in value && Object.keys(value).length === 1) || (typeof value === "string" && value.startsWith("#/"));
    if (!bare || !follow()) return here;
  }
}
