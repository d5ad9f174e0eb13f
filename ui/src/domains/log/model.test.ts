import { expect, it } from "vitest";
import { split } from "./model";

it("marks every hit, whatever its case", () => {
  expect(split("Segment 3 is durable: 3 rows", { text: "3", expression: false })).toEqual(["Segment ", "3", " is durable: ", "3", " rows"]);
  expect(split("A (b) a", { text: "a (B)", expression: false })).toEqual(["", "A (b)", " a"]);
  expect(split("rows: 12", { text: String.raw`\d+`, expression: true })).toEqual(["rows: ", "12", ""]);
});

it("marks nothing when there is nothing to mark", () => {
  expect(split("abc", { text: "", expression: false })).toEqual(["abc"]);
  expect(split("abc", { text: "(", expression: true })).toEqual(["abc"]);
  expect(split("abc", { text: "x*", expression: true })).toEqual(["abc"]);
});
