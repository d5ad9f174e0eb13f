import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { describe, expect, it } from "vitest";
import type { FormField } from "~/api/generated";
import { form } from "../../../test/fixture/setup-data";
import { render } from "../../../test/render";
import type { Values } from "./form";
import { SchemaForm } from "./SchemaForm";

function Form({ strict = false }: { strict?: boolean }) {
  const [values, setValues] = useState<Values>({});
  return <SchemaForm fields={form} values={values} onValues={setValues} strict={strict} secretStore="the vault" />;
}

describe("the form of a connector", () => {
  it("labels every control and fills in defaults", () => {
    render(<Form />);
    expect(screen.getByLabelText("Host")).toHaveProperty("value", "");
    expect(screen.getByLabelText("Port")).toHaveProperty("value", "5432");
    expect(screen.getByText("Stored encrypted; the key is in the vault.")).toBeDefined();
  });

  it("says what is wrong when a field is left, not while it is typed", async () => {
    const user = userEvent.setup();
    render(<Form />);
    const port = screen.getByLabelText("Port");
    await user.clear(port);
    await user.type(port, "7000x");
    expect(screen.queryByText("Port must be a number.")).toBeNull();
    await user.tab();
    expect(screen.getByText("Port must be a number.")).toBeDefined();
    expect(port.getAttribute("aria-invalid")).toBe("true");
  });

  it("keeps a hidden branch's values and shows no error of it", async () => {
    const user = userEvent.setup();
    render(<Form strict />);
    expect(screen.queryByLabelText("SSH host")).toBeNull();
    expect(screen.queryByText("SSH host is needed.")).toBeNull();
    const tunnel = screen.getByLabelText("Through an SSH server");
    await user.click(tunnel);
    await user.type(screen.getByLabelText("SSH host"), "jump");
    await user.click(tunnel);
    expect(screen.queryByLabelText("SSH host")).toBeNull();
    await user.click(tunnel);
    expect(screen.getByLabelText("SSH host")).toHaveProperty("value", "jump");
  });

  it("masks secrets until they are asked for", async () => {
    const user = userEvent.setup();
    render(<Form />);
    const password = screen.getByLabelText(/^Password/);
    expect(password.getAttribute("type")).toBe("password");
    await user.click(screen.getByRole("button", { name: "Show" }));
    await waitFor(() => expect(password.getAttribute("type")).toBe("text"));
  });

  it("takes several texts, with commas that are typed", async () => {
    const user = userEvent.setup();
    const fields = form.slice(0, 1).map((field): FormField => ({ ...field, path: ["unnest"], control: "list", label: "Lists", required: false }));
    const seen: unknown[] = [];
    function Lists() {
      const [values, setValues] = useState<Values>({});
      seen.push(values.unnest);
      return <SchemaForm fields={fields} values={values} onValues={setValues} strict={false} secretStore={undefined} />;
    }
    render(<Lists />);
    const input = screen.getByLabelText(/^Lists/);
    await user.type(input, "orders.lines, users.tags,");
    expect(input).toHaveProperty("value", "orders.lines, users.tags,");
    expect(seen.at(-1)).toEqual(["orders.lines", "users.tags"]);
  });

  it("keeps advanced settings closed until they are opened", async () => {
    const user = userEvent.setup();
    render(<Form />);
    expect(screen.queryByLabelText("Connections at once")).toBeNull();
    await user.click(screen.getByRole("button", { name: "Advanced (2)" }));
    expect(screen.getByLabelText("Connections at once")).toHaveProperty("value", "2");
  });
});
