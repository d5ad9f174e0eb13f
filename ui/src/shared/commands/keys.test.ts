import { describe, expect, it } from "vitest";
import { matches, spelled } from "./keys";

const press = (key: string, extra: KeyboardEventInit = {}) => new KeyboardEvent("keydown", { key, ...extra });

describe("shortcuts", () => {
  it("are spelled as each platform does", () => {
    expect(spelled("mod+shift+p", true)).toBe("⇧⌘P");
    expect(spelled("mod+shift+p", false)).toBe("Ctrl+Shift+P");
    expect(spelled("mod+enter", true)).toBe("⌘↩");
  });

  it("mean ⌘ on a Mac and Ctrl elsewhere, never both", () => {
    expect(matches(press("k", { ctrlKey: true }), "mod+k", false)).toBe(true);
    expect(matches(press("k", { ctrlKey: true }), "mod+k", true)).toBe(false);
    expect(matches(press("k", { metaKey: true }), "mod+k", true)).toBe(true);
    expect(matches(press("k", { ctrlKey: true, metaKey: true }), "mod+k", false)).toBe(false);
  });

  it("tell Shift apart for letters, and forgive it for signs", () => {
    expect(matches(press("P", { ctrlKey: true, shiftKey: true }), "mod+p", false)).toBe(false);
    expect(matches(press("P", { ctrlKey: true, shiftKey: true }), "mod+shift+p", false)).toBe(true);
    expect(matches(press("/", { ctrlKey: true, shiftKey: true }), "mod+/", false)).toBe(true);
  });

  it("take digits by their place on the keyboard", () => {
    expect(matches(press("&", { ctrlKey: true, code: "Digit1" }), "mod+1", false)).toBe(true);
  });
});
