import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { expect } from "vitest";

/** What can be checked of craft by a program, on the screen that is open. */

const SIZES_MAX = 3;
const WEIGHTS_MAX = 2;
const GRID_PX = 4;

const tokens = [...readFileSync(join(import.meta.dirname, "../../src/styles/tokens.css"), "utf8").matchAll(/(--[\w-]+):/g)].map(([, name]) => name ?? "");

/** What is wrong with the craft of this screen: colours that are no tokens, gaps beside the grid, too many sizes, weights or
 * primary buttons. */
export async function flaws(page: Page): Promise<string[]> {
  const found = await page.evaluate(look, { tokens: [...new Set(tokens)], grid: GRID_PX });
  const wrong = [...found.colours.map((what) => `no token: ${what}`), ...found.gaps.map((what) => `not on the grid: ${what}`)];
  const tooMany = (what: string, uses: Record<string, string>, most: number) => {
    const list = Object.entries(uses).map(([value, example]) => `${value} in ${example}`);
    if (list.length > most) wrong.push(`${list.length} ${what}: ${list.join("; ")}`);
  };
  tooMany("text sizes", found.sizes, SIZES_MAX);
  tooMany("weights", found.weights, WEIGHTS_MAX);
  if (found.primary.length > 1) wrong.push(`${found.primary.length} primary buttons: ${found.primary.join(", ")}`);
  return [...new Set(wrong)];
}

export async function expectCrafted(page: Page): Promise<void> {
  expect(await flaws(page), `at ${page.url()}`).toEqual([]);
}

/** What can be used but not be brought into view, or whose words are cut off. */
export function cutOff(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    const named = (element: HTMLElement) => `${element.tagName} ${element.getAttribute("aria-label") ?? element.textContent.slice(0, 40)}`;
    if (document.documentElement.scrollWidth > innerWidth) found.push(`the page is ${document.documentElement.scrollWidth} wide`);
    for (const element of document.querySelectorAll<HTMLElement>("button, a[href], input, h1, h2, [role=tab]")) {
      if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
      const { left, right, top, bottom } = element.getBoundingClientRect();
      if (right - left < 2 || bottom - top < 2) continue;
      let [sideways, downwards] = [false, false];
      for (let around = element.parentElement; around; around = around.parentElement) {
        const { overflowX, overflowY } = getComputedStyle(around);
        sideways ||= /auto|scroll/.test(overflowX) && around.scrollWidth > around.clientWidth;
        downwards ||= /auto|scroll/.test(overflowY) && around.scrollHeight > around.clientHeight;
      }
      const hidden = (!sideways && (left < -1 || right > innerWidth + 1)) || (!downwards && (top < -1 || bottom > innerHeight + 1));
      if (hidden) found.push(`${named(element)} at ${Math.round(left)}…${Math.round(right)}, ${Math.round(top)}…${Math.round(bottom)}`);
    }
    return found;
  });
}

/** Buttons and tabs whose words do not fit into them, or that lie over each other. */
export function squeezed(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    const named = (element: HTMLElement) => (element.getAttribute("aria-label") ?? element.textContent).slice(0, 60);
    const controls = [...document.querySelectorAll<HTMLElement>("button, [role=tab], a[href], label")].filter((element) => {
      const { width, height } = element.getBoundingClientRect();
      return width > 2 && height > 2 && element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    });
    for (const element of controls) {
      // A row that is a button may shorten what stands in its columns; names of the person's own are shortened with the rest on hover.
      if (element.matches("button:not(:has(.truncate)), [role=tab]") && element.scrollWidth > element.clientWidth + 1) found.push(`cut: ${named(element)}`);
    }
    const open = document.querySelector("[role=dialog]");
    const boxes = controls
      .filter((element) => (open ? open.contains(element) : true) && !element.parentElement?.closest("button, a, label, [aria-hidden=true]"))
      .map((element) => ({ element, box: visibleBox(element) }))
      .filter(({ box }) => box.right > box.left && box.bottom > box.top);
    for (const [at, one] of boxes.entries()) {
      for (const other of boxes.slice(at + 1)) {
        if (one.element.contains(other.element) || other.element.contains(one.element)) continue;
        const wide = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
        const tall = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
        if (wide > 1 && tall > 1) found.push(`over each other: ${named(one.element)} | ${named(other.element)}`);
      }
    }
    return found;

    /** What is left of a box when everything around it has cut its overflow. */
    function visibleBox(element: HTMLElement) {
      let { left, right, top, bottom } = element.getBoundingClientRect();
      for (let around = element.parentElement; around; around = around.parentElement) {
        if (getComputedStyle(around).overflow === "visible") continue;
        const cut = around.getBoundingClientRect();
        [left, right, top, bottom] = [Math.max(left, cut.left), Math.min(right, cut.right), Math.max(top, cut.top), Math.min(bottom, cut.bottom)];
      }
      return { left, right, top, bottom };
    }
  });
}

interface Found {
  colours: string[];
  gaps: string[];
  /** Each value with the first element that has it. */
  sizes: Record<string, string>;
  weights: Record<string, string>;
  primary: string[];
}

/** Runs in the page. */
function look({ tokens, grid }: { tokens: string[]; grid: number }): Found {
  const found: Found = { colours: [], gaps: [], sizes: {}, weights: {}, primary: [] };
  const probe = document.body.appendChild(document.createElement("i"));
  const allowed = new Set(["rgba(0, 0, 0, 0)"]);
  for (const token of tokens) {
    probe.style.color = "";
    probe.style.color = `var(${token})`;
    allowed.add(getComputedStyle(probe).color);
  }
  probe.remove();
  const isDrawn = (element: Element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && element.getBoundingClientRect().width > 1;
  const named = (element: Element) => `${element.tagName.toLowerCase()}.${(element.getAttribute("class") ?? "").slice(0, 80)} "${element.textContent.trim().slice(0, 30)}"`;

  for (const element of document.querySelectorAll("body, body *")) {
    if (!isDrawn(element) || element.closest("script, style")) continue;
    const style = getComputedStyle(element);
    const ownWords = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim());
    if (ownWords) {
      found.sizes[style.fontSize] ??= named(element);
      found.weights[style.fontWeight] ??= named(element);
    }
    for (const [what, colour] of coloursOf(element, style, Boolean(ownWords))) {
      if (!allowed.has(colour)) found.colours.push(`${what} ${colour} of ${named(element)}`);
    }
    if (!(element instanceof SVGElement) && !element.classList.contains("sr-only")) {
      for (const [what, px] of gapsOf(element as HTMLElement)) {
        if (Math.abs(px / grid - Math.round(px / grid)) > 0.01) found.gaps.push(`${what} ${px}px of ${named(element)}`);
      }
    }
  }
  const dialogs = [...document.querySelectorAll("[role=dialog]")].filter(isDrawn);
  const view: ParentNode = dialogs.at(-1) ?? document;
  found.primary = [...view.querySelectorAll("[data-look=primary]")].filter(isDrawn).map((element) => element.textContent);
  return found;

  function coloursOf(element: Element, style: CSSStyleDeclaration, words: boolean): [string, string][] {
    const colours: [string, string][] = [["background", style.backgroundColor]];
    if (words) colours.push(["text", style.color]);
    for (const side of ["Top", "Right", "Bottom", "Left"] as const) {
      if (Number.parseFloat(style[`border${side}Width`]) > 0 && style[`border${side}Style`] !== "none") colours.push(["border", style[`border${side}Color`]]);
    }
    if (style.outlineStyle !== "none" && Number.parseFloat(style.outlineWidth) > 0) colours.push(["outline", style.outlineColor]);
    if (element instanceof SVGElement && !(element instanceof SVGSVGElement)) {
      for (const paint of ["fill", "stroke"] as const) if (style[paint].startsWith("rgb")) colours.push([paint, style[paint]]);
    }
    return colours;
  }

  function gapsOf(element: HTMLElement): [string, number][] {
    const names = ["padding-top", "padding-right", "padding-bottom", "padding-left", "margin-top", "margin-right", "margin-bottom", "margin-left", "row-gap", "column-gap"];
    const map = element.computedStyleMap();
    // Only lengths that somebody wrote: what `auto` comes to is what is left over.
    return names.flatMap((name) => {
      const value = map.get(name);
      return value instanceof CSSUnitValue && value.unit === "px" ? [[name, value.value] as [string, number]] : [];
    });
  }
}
