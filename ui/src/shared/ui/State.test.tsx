import { describe, expect, it } from "vitest";
import { de } from "~/shared/text/messages/de";
import { en } from "~/shared/text/messages/en";
import { render } from "../../../test/render";
import { State, type StateName, wordOf } from "./State";

/** What stands side by side, and must be told apart without colours. */
const families: Record<string, StateName[]> = {
  connections: ["draft", "healthy", "late", "needs_you", "failing", "paused", "new"],
  tables: ["queued", "reading", "writing", "stopping", "waiting", "retrying", "done", "done_with_rejected", "needs_decision", "stopped", "failed"],
  runs: ["running", "done", "done_with_rejected", "needs_decision", "stopped", "interrupted", "failed"],
};

describe.each(Object.entries(families))("states of %s", (_, states) => {
  it("have an icon each", () => {
    const icons = states.map((state) => render(<State state={state} />).container.querySelector("svg")?.getAttribute("class"));
    expect(new Set(icons).size, icons.join(", ")).toBe(states.length);
  });

  it.each([
    ["en", en],
    ["de", de],
  ])("have a word each: %s", (_language, messages) => {
    const words = states.map((state) => messages[wordOf(state)]);
    expect(new Set(words).size, words.join(", ")).toBe(states.length);
  });
});
