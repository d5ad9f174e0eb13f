import { describe, expect, it } from "vitest";
import type { Command } from "~/shared/commands";
import { asked, find, withHits } from "./find";

const command = (id: string, group: Command["group"] = "navigate"): Command => ({ id, title: id, group, run: () => undefined });

describe("the palette", () => {
  it("asks the engine for words, not for single letters or for what only commands answer", () => {
    expect(asked(" status ")).toBe("status");
    expect(["", "s", " s ", ">sync", "@shop", "#orders", "?keys"].map(asked)).toEqual(Array(7).fill(""));
  });

  it("lists what the engine found below the commands, and nothing twice", () => {
    const own = find([command("go:connection:status", "connection"), command("other")], "status");
    const all = withHits(own, [command("go:connection:status", "found"), command("go:column:status", "found")]);
    expect(all.map(({ id, group }) => [id, group])).toEqual([
      ["go:connection:status", "connection"],
      ["go:column:status", "found"],
    ]);
  });
});
