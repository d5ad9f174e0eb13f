import { describe, expect, it } from "vitest";
import { makeFormat } from "./format";

const format = makeFormat("en-US");

describe("figures", () => {
  it("are exact below 100,000 and short above", () => {
    expect(format.count(61_240)).toBe("61,240");
    expect(format.count(1_240_000)).toBe("1.24 M");
    expect(format.count(812_004)).toBe("812 k");
    expect(format.exact(1_240_000)).toBe("1,240,000");
  });

  it("name sizes and durations", () => {
    expect(format.bytes(0)).toBe("0 B");
    expect(format.bytes(84_000_000)).toBe("84 MB");
    expect(format.duration(131_000)).toBe("2 min 11 sec");
    expect(format.duration(8_400)).toBe("8.4 sec");
    expect(format.duration(12)).toBe("12 ms");
  });

  it("say how long ago, and the date after a week", () => {
    const now = Date.parse("2026-11-23T14:00:00Z");
    expect(format.ago("2026-11-23T13:57:00Z", now)).toBe("3 min. ago");
    expect(format.ago("2026-11-01T12:00:00Z", now)).toBe("Nov 1, 2026");
  });
});
