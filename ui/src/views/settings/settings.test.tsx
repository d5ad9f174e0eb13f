import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import type { Platform } from "~/platform";
import { fixturePlatform } from "../../../test/fixture/platform";
import { render } from "../../../test/render";
import { FreshnessTarget } from "./FreshnessTarget";
import { minutesOf } from "./minutes";

function listening(): { platform: Platform; sent: unknown[] } {
  const inner = fixturePlatform();
  const sent: unknown[] = [];
  return {
    sent,
    platform: {
      ...inner,
      call: (name, request, signal) => {
        if (name === "settings.save") sent.push(request);
        return inner.call(name, request, signal);
      },
    },
  };
}

describe("when data is late", () => {
  it("is a whole number of minutes of at most a year", () => {
    expect([" 30 ", "1", "525600"].map(minutesOf)).toEqual([30, 1, 525_600]);
    expect(["", "0", "1.5", "-3", "525601", "ten", "1e3"].map(minutesOf)).toEqual(Array(7).fill(null));
  });

  it("is saved as typed, and what is wrong is said and not sent", async () => {
    const { platform, sent } = listening();
    render(<FreshnessTarget />, platform);
    const minutes = await screen.findByLabelText("Minutes");
    expect(minutes).toHaveProperty("value", "60");
    await userEvent.clear(minutes);
    await userEvent.type(minutes, "0{Enter}");
    expect(screen.getByText(/at least 1 and at most 525,600/)).toBeDefined();
    expect(sent).toEqual([]);
    await userEvent.clear(minutes);
    await userEvent.type(minutes, "15{Enter}");
    await waitFor(() => expect(sent).toEqual([{ fresh_within_minutes: 15, count_while_off: false }]));
  });

  it("can be never", async () => {
    const { platform, sent } = listening();
    render(<FreshnessTarget />, platform);
    await userEvent.click(await screen.findByRole("radio", { name: /Never/ }));
    await userEvent.click(screen.getByRole("button", { name: "Save freshness" }));
    await waitFor(() => expect(sent).toEqual([{ fresh_within_minutes: null, count_while_off: false }]));
  });
});
