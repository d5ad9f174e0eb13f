import { expect, it } from "vitest";
import { asCsv } from "./csv";

it("keeps null, empty text, quotes, commas and line breaks apart", () => {
  const rows = [
    ["1", null, ""],
    ['say "hi"', "a,b", "x\ny"],
    [" padded ", "plain", "9223372036854775807"],
  ];
  expect(asCsv(["a", "b", "c"], rows)).toBe(
    'a,b,c\r\n1,,""\r\n"say ""hi""","a,b","x\ny"\r\n" padded ",plain,9223372036854775807\r\n',
  );
});
