import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { preview } from "../../../test/fixture/data";
import { render } from "../../../test/render";
import { Inspector } from "./Inspector";

const sample = preview("orders");

it("shows how the values of a column are spread, each range in words", () => {
  const bins = [
    { from: "0", to: "50", count: 990 },
    { from: "50", to: "100", count: 0 },
    { from: "100", to: "150", count: 1 },
  ];
  const columns = sample.columns.map((column, at) => (at === 1 ? { ...column, histogram: bins } : column));
  render(<Inspector preview={{ ...sample, columns }} column={1} part="column" onPart={() => undefined} />);
  expect(screen.getAllByRole("img").map((bar) => bar.getAttribute("aria-label"))).toEqual([
    "0 to 50: 990 values",
    "50 to 100: 0 values",
    "100 to 150: 1 value",
  ]);
});

it("shows the rows that will be rejected with their reason when asked", async () => {
  render(<Inspector preview={sample} column={null} part="findings" onPart={() => undefined} />);
  expect(screen.getByText("1 row of this sample will be rejected; 1,000 fit")).toBeDefined();
  expect(screen.getByText(/"amount": "N\/A"/).closest("[hidden]")).not.toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "Show these rows" }));
  expect(screen.getByText(/"amount": "N\/A"/).closest("[hidden]")).toBeNull();
});
