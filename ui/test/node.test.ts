import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

it("runs in the Node that the project names, because jsdom does not start in older ones that computers have", () => {
  const { devDependencies } = JSON.parse(readFileSync("package.json", "utf8")) as { devDependencies: Record<string, string> };
  expect(devDependencies["node"]).toMatch(/^22\./);
  expect(process.versions.node).toBe(devDependencies["node"]);
});
