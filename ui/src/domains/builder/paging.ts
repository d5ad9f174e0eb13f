import { at, type Fields, isFields, type Json, textAt } from "./json";
import type { Shown } from "./manifest";

/** How one comes from page to page, in words of HTTP. Each way has fields of its own. */
export type Paging =
  | { way: "none" }
  | { way: "page"; parameter: string; sizeParameter: string; size: string; first: string }
  | { way: "offset"; parameter: string; sizeParameter: string; size: string }
  | { way: "link"; place: string[] }
  | { way: "header"; sizeParameter: string; size: string }
  | { way: "cursor"; parameter: string; place: string[]; sizeParameter: string; size: string };

export type PagingWay = Paging["way"];
export const pagingWays: readonly PagingWay[] = ["none", "page", "offset", "link", "header", "cursor"];

const HEADER = "{{ headers['link'].get('next', {}).get('url', '') }}";

/** What a paginator says; `custom` when it says more than the form knows. */
export function pagingOf(paginator: Json | undefined): Shown<Paging> {
  if (paginator === undefined || paginator === null || textAt(paginator, ["type"]) === "NoPagination") return { way: "none" };
  const strategy = at(paginator, ["pagination_strategy"]);
  if (textAt(paginator, ["type"]) !== "DefaultPaginator" || !isFields(strategy)) return "custom";
  const parameter = optionOf(at(paginator, ["page_token_option"]));
  const sizeParameter = optionOf(at(paginator, ["page_size_option"]));
  const isPath = textAt(paginator, ["page_token_option", "type"]) === "RequestPath";
  if ((parameter === null && !isPath) || sizeParameter === null) return "custom";
  const size = String(strategy["page_size"] ?? "");
  switch (strategy["type"]) {
    case "PageIncrement":
      return { way: "page", parameter: parameter ?? "", sizeParameter, size, first: String(strategy["start_from_page"] ?? 0) };
    case "OffsetIncrement":
      return { way: "offset", parameter: parameter ?? "", sizeParameter, size };
    case "CursorPagination":
      return cursorOf(strategy, isPath, parameter ?? "", sizeParameter, size);
    default:
      return "custom";
  }
}

function cursorOf(strategy: Fields, isPath: boolean, parameter: string, sizeParameter: string, size: string): Shown<Paging> {
  const value = strategy["cursor_value"];
  if (typeof value !== "string" || strategy["stop_condition"] !== undefined) return "custom";
  if (isPath && /^\{\{\s*headers\[?\.?['"]?link/i.test(value)) return { way: "header", sizeParameter, size };
  const place = placeOf(value);
  if (place === null) return "custom";
  return isPath ? { way: "link", place } : { way: "cursor", parameter, place, sizeParameter, size };
}

/** The name of a parameter; empty: there is none; null: it goes elsewhere than into the address. */
function optionOf(option: Json | undefined): string | null {
  if (option === undefined) return "";
  return textAt(option, ["inject_into"]) === "request_parameter" ? (textAt(option, ["field_name"]) ?? null) : null;
}

/** `{{ response.get('meta', {}).get('next', '') }}`, `{{ response['meta']['next'] }}` or `{{ response.meta.next }}` as a path. */
export function placeOf(template: string): string[] | null {
  const inside = /^\{\{\s*response((?:\.get\('[^']+'(?:,\s*(?:\{\}|''|""))?\)|\[['"][^'"\]]+['"]\]|\.\w+)+)\s*\}\}$/.exec(template.trim())?.[1];
  if (inside === undefined) return null;
  const steps = inside.matchAll(/\.get\('([^']+)'[^)]*\)|\[['"]([^'"\]]+)['"]\]|\.(\w+)/g);
  return [...steps].map((step) => step[1] ?? step[2] ?? step[3] ?? "");
}

/** A template that bears the absence of what it asks for. */
function templateOf(place: readonly string[]): string {
  const steps = place.map((step, index) => `.get('${step}', ${index === place.length - 1 ? "''" : "{}"})`);
  return `{{ response${steps.join("")} }}`;
}

function option(name: string): Fields {
  return { type: "RequestOption", inject_into: "request_parameter", field_name: name };
}

/** The paginator of a way; undefined: there is none. */
export function paginatorOf(paging: Paging): Fields | undefined {
  if (paging.way === "none") return undefined;
  const strategy: Fields = {};
  const paginator: Fields = { type: "DefaultPaginator" };
  const size = "size" in paging && paging.size.trim() !== "" && paging.sizeParameter.trim() !== "" ? Number(paging.size) : null;
  switch (paging.way) {
    case "page":
      Object.assign(strategy, { type: "PageIncrement", start_from_page: Number(paging.first) || 0, inject_on_first_request: true });
      break;
    case "offset":
      strategy["type"] = "OffsetIncrement";
      break;
    case "header":
      Object.assign(strategy, { type: "CursorPagination", cursor_value: HEADER });
      break;
    default:
      Object.assign(strategy, { type: "CursorPagination", cursor_value: templateOf(paging.place) });
  }
  if (size !== null && "sizeParameter" in paging) {
    strategy["page_size"] = size;
    paginator["page_size_option"] = option(paging.sizeParameter);
  }
  paginator["pagination_strategy"] = strategy;
  paginator["page_token_option"] = "parameter" in paging ? option(paging.parameter) : { type: "RequestPath" };
  return paginator;
}

/** The same wishes in another way, with what most APIs call things. */
export function asWay(way: PagingWay, before: Shown<Paging>): Paging {
  const known = before === "custom" ? { way: "none" as const } : before;
  const sizeParameter = "sizeParameter" in known ? known.sizeParameter : "";
  const size = "size" in known ? known.size : "";
  const place = "place" in known ? known.place : [];
  switch (way) {
    case "none":
      return { way };
    case "page":
      return { way, parameter: "page", sizeParameter: sizeParameter || "per_page", size: size || "100", first: "1" };
    case "offset":
      return { way, parameter: "offset", sizeParameter: sizeParameter || "limit", size: size || "100" };
    case "link":
      return { way, place: place.length > 0 ? place : ["links", "next"] };
    case "header":
      return { way, sizeParameter, size };
    case "cursor":
      return { way, parameter: "cursor", place: place.length > 0 ? place : ["next_cursor"], sizeParameter, size };
  }
}
