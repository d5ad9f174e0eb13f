import { mkdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { encodePng } from "./png";
import { browser } from "./studio";

/** Pictures are compared as tiles of this many pixels in both directions: how edges are smoothed differs between
 * computers, but hardly the mean of a tile. The fonts come with the page, so letters are the same everywhere. */
const TILE_PX = 8;
/** A tile is another one when a channel of its mean differs by more than this, of 255. Text that is only smoothed
 * otherwise stays well below; text that is gone, or a row that has moved by half its height, does not. */
const LEVELS = 20;
/** As many tiles may be others as make 0.5 % of a window, an area of about 72 × 72 pixels: more than a caret or the rest
 * of a time, less than a button. */
export const SHARE_MAX = 0.005;

const folder = resolve(import.meta.dirname, "../snapshots");
/** With SYNCLINE_UPDATE_SNAPSHOTS=1 what is seen now becomes what is expected. */
const updating = process.env["SYNCLINE_UPDATE_SNAPSHOTS"] === "1";

/** What a run tells may be drawn between the moment its rates are taken out and the picture: then another one is taken. */
const TRIES = 4;

/** The window looks as it did when its picture was committed, but for times, rates and ids of runs. */
export async function expectLooksAsBefore(page: Page, name: string, tries = TRIES): Promise<void> {
  const seen = await picture(page);
  const file = join(folder, `${name}.png`);
  if (updating) {
    await mkdir(folder, { recursive: true });
    await writeFile(file, await small(seen));
    return;
  }
  const wanted = await readFile(file).catch(() => null);
  if (!wanted) throw new Error(`${file} is not there; SYNCLINE_UPDATE_SNAPSHOTS=1 makes it`);
  const share = await difference(wanted, seen);
  if (share <= SHARE_MAX) return;
  if (tries > 1) {
    await expectLooksAsBefore(page, name, tries - 1);
    return;
  }
  const other = join(tmpdir(), `syncline-looks-${name}.png`);
  await writeFile(other, seen);
  expect.fail(`${(share * 100).toFixed(2)} % of ${name} look otherwise than before: compare ${other} with ${file}`);
}

/** The window without what is different each time. */
export async function picture(page: Page): Promise<Buffer> {
  const restore = await page.evaluateHandle(async () => {
    await document.fonts.ready;
    const were: (() => void)[] = [];
    const number = String.raw`\d[\d.,]*`;
    const changing = [
      String.raw`\d{1,2}:\d{2}(:\d{2})?( [AP]M)?`,
      String.raw`${number} (k|M|G)?B/s`,
      String.raw`${number}( [kMG])?( rows)?/s`,
      String.raw`${number} (ms|sec|min|hr)\.?( ${number} (sec|min)\.?)?( ago)?`,
      String.raw`^now$`,
      String.raw`[A-Z][a-z]{2} \d{1,2}(, \d{4})?`,
      String.raw`\d{4}-\d{2}-\d{2}\S*`,
      String.raw`\d{8}T?[-\w]{6,}`,
    ];
    const pattern = new RegExp(changing.join("|"), "g");
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = texts.nextNode(); node; node = texts.nextNode()) {
      // Data of the sample is always the same.
      const inData = node.parentElement?.closest('[role="gridcell"], .cm-editor');
      const said = node.nodeValue;
      if (inData || !said) continue;
      const stays = said.replaceAll(pattern, "0 s");
      if (stays === said) continue;
      const changed = node;
      changed.nodeValue = stays;
      were.push(() => (changed.nodeValue = said));
    }
    // How long runs took, as bars and curves.
    for (const chart of document.querySelectorAll<HTMLElement>('canvas, [role="img"]')) {
      chart.style.visibility = "hidden";
      were.push(() => chart.style.removeProperty("visibility"));
    }
    return () => were.forEach((undo) => undo());
  });
  try {
    return await page.screenshot({ animations: "disabled", caret: "hide" });
  } finally {
    await restore.evaluate((undo) => undo());
  }
}

/** The share of tiles that differ, from 0 to 1. Pictures of another size differ in all. */
export function difference(one: Buffer, other: Buffer): Promise<number> {
  return elsewhere(async (page) =>
    page.evaluate(
      async ([first, second, tile, levels]) => {
        const pixels = async (base64: string) => {
          const bytes = Uint8Array.from(atob(base64), (letter) => letter.codePointAt(0) ?? 0);
          const image = await createImageBitmap(new Blob([bytes]));
          const drawing = new OffscreenCanvas(image.width, image.height).getContext("2d");
          drawing?.drawImage(image, 0, 0);
          return drawing?.getImageData(0, 0, image.width, image.height);
        };
        const [a, b] = [await pixels(first), await pixels(second)];
        if (!a || !b || a.width !== b.width || a.height !== b.height) return 1;
        let [tiles, others] = [0, 0];
        for (let top = 0; top < a.height; top += tile) {
          for (let left = 0; left < a.width; left += tile) {
            const sums = [0, 0, 0];
            let count = 0;
            for (let y = top; y < Math.min(top + tile, a.height); y++) {
              for (let x = left; x < Math.min(left + tile, a.width); x++) {
                const at = (y * a.width + x) * 4;
                for (let channel = 0; channel < 3; channel++) {
                  sums[channel] = (sums[channel] ?? 0) + (a.data[at + channel] ?? 0) - (b.data[at + channel] ?? 0);
                }
                count += 1;
              }
            }
            tiles += 1;
            if (sums.some((sum) => Math.abs(sum / count) > levels)) others += 1;
          }
        }
        return others / tiles;
      },
      [one.toString("base64"), other.toString("base64"), TILE_PX, LEVELS] as const,
    ),
  );
}

/** The same picture with the colours it has most of, so that it takes little room. */
async function small(png: Buffer): Promise<Buffer> {
  const { width, height, rgb } = await elsewhere((page) =>
    page.evaluate(async (base64) => {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.codePointAt(0) ?? 0);
      const image = await createImageBitmap(new Blob([bytes]));
      const drawing = new OffscreenCanvas(image.width, image.height).getContext("2d");
      drawing?.drawImage(image, 0, 0);
      const data = drawing?.getImageData(0, 0, image.width, image.height).data ?? new Uint8ClampedArray();
      let text = "";
      for (let at = 0; at < data.length; at += 4) text += String.fromCodePoint(data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0);
      return { width: image.width, height: image.height, rgb: btoa(text) };
    }, png.toString("base64")),
  );
  return encodePng(width, height, Buffer.from(rgb, "base64"));
}

/** A page of its own: the one that is tested allows no scripts but its own. */
async function elsewhere<Value>(work: (page: Page) => Promise<Value>): Promise<Value> {
  const page = await (await browser()).newPage();
  try {
    return await work(page);
  } finally {
    await page.close();
  }
}
