import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { rejected } from "../../../test/fixture/data";
import { fixturePlatform } from "../../../test/fixture/platform";
import { render } from "../../../test/render";
import { LetGoDialog } from "./LetGoDialog";

it("says how many rows will not be loaded, and lets exactly those go", async () => {
  const inner = fixturePlatform();
  const call = vi.fn(inner.call);
  const onClose = vi.fn();
  render(
    <LetGoDialog open connection="shop" table="products" rows={rejected.slice(0, 2)} onClose={onClose} />,
    { ...inner, call },
  );
  expect(screen.getByText(/These 2 rows will not be loaded/)).toBeDefined();
  expect(call).not.toHaveBeenCalled();
  await userEvent.click(screen.getByRole("button", { name: "Let 2 rows go" }));
  await waitFor(() => expect(onClose).toHaveBeenCalledOnce());
  expect(call.mock.calls[0]?.slice(0, 2)).toEqual(["quarantine.accept", { connection: "shop", table: "products", ids: ["q1", "q2"] }]);
});
