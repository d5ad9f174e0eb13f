import type { Locator, Page } from "playwright-core";

/** What people do in several journeys. */

/** Enter, Enter: from the first screen to the end of the first sync of the sample. */
export async function syncSample(page: Page): Promise<void> {
  await focused(page, page.getByRole("button", { name: "Try it with sample data" }));
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "This will create 5 tables in studio.duckdb" }).waitFor();
  await focused(page, page.getByRole("button", { name: "Apply and sync now" }));
  await page.keyboard.press("Enter");
  await page.getByText("Every row accounted for.").waitFor();
}

/** Waits until a control has the focus by itself, so that a key press means what somebody expects who sees it. */
export async function focused(page: Page, control: Locator): Promise<void> {
  await control.and(page.locator(":focus")).waitFor();
}

export async function goTo(page: Page, hash: string): Promise<void> {
  await page.evaluate((target) => (location.hash = target), hash);
}

/** Goes to an address, and waits until its screen is the one that is shown: the one before stays until the next is ready. */
export async function arrive(page: Page, place: string): Promise<void> {
  await goTo(page, `#${place}`);
  await page.waitForFunction((wanted) => {
    // The router says of itself which address it has drawn.
    const { __TSR_ROUTER__: router } = window as unknown as { __TSR_ROUTER__: { state: { resolvedLocation?: { href: string } } } };
    return router.state.resolvedLocation?.href === wanted;
  }, place);
}

/** A plan that is made now. */
export async function openPlan(page: Page, connection: string): Promise<void> {
  await goTo(page, `#/connections/${connection}/overview`);
  await page.getByRole("complementary").getByText("About this connection").waitFor();
  await goTo(page, `#/connections/${connection}/plan`);
}

/** Makes the plan of a connection, applies it and waits for the account of the run. */
export async function syncAgain(page: Page, connection: string, outcome = "Every row accounted for."): Promise<void> {
  await openPlan(page, connection);
  await page.getByRole("button", { name: /^Apply/ }).click();
  await page.getByRole("status").getByText(outcome).waitFor();
}

/** Types a statement into the SQL page and gives the first row of the answer, as text. */
export async function ask(page: Page, sql: string): Promise<string[]> {
  await goTo(page, "#/sql");
  const editor = page.locator(".cm-content");
  await editor.click();
  await page.keyboard.press("ControlOrMeta+a");
  // At once, so that nothing is completed while it is typed.
  await page.keyboard.insertText(sql);
  const answered = page.waitForResponse((response) => response.url().endsWith("/rpc/sql.run"));
  await page.keyboard.press("ControlOrMeta+Enter");
  const answer = (await (await answered).json()) as { rows?: string[][]; message?: string };
  if (!answer.rows) throw new Error(`${sql}: ${answer.message}`);
  // What the engine said is also what the window shows.
  const row = answer.rows[0] ?? [];
  for (const value of row) await page.getByRole("gridcell", { name: value, exact: true }).first().waitFor();
  return row;
}

/** A request of the window to the engine: for what a journey begins with and another one already goes through. */
export async function tell<Answer>(page: Page, name: string, request: unknown): Promise<Answer> {
  const answer = await page.evaluate(
    async ([name, request]) => {
      const headers = { "content-type": "application/json" };
      const response = await fetch(`/rpc/${name}`, { method: "POST", headers, body: JSON.stringify(request) });
      return { ok: response.ok, body: await response.text() };
    },
    [name, request] as const,
  );
  if (!answer.ok) throw new Error(`${name}: ${answer.body}`);
  return JSON.parse(answer.body) as Answer;
}
