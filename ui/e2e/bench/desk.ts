import { join } from "node:path";
import { type Postgres, scratch, startPostgres } from "../support/program";
import { DesktopWindow, Driver } from "../support/window";

/** The same on every machine: drawn by the processor. */
export const BY_PROCESSOR = { LIBGL_ALWAYS_SOFTWARE: "1" };

/** The desktop program in its window with a project of its own, and a Postgres that it reads into a DuckDB file. */
export class Desk {
  private constructor(
    readonly folder: string,
    readonly window: DesktopWindow,
    private readonly postgres: Postgres,
    private readonly ends: readonly (() => unknown)[],
  ) {}

  /** `schema`: statements for the Postgres, each in a transaction of its own. */
  static async open(schema: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Desk> {
    const ends: (() => unknown)[] = [];
    try {
      const folder = await scratch();
      ends.unshift(() => folder.remove());
      const postgres = await startPostgres();
      ends.unshift(() => postgres.close());
      for (const statements of schema) await postgres.sql(statements);
      const driver = await Driver.start({
        SYNCLINE_PROJECT: join(folder.path, "studio"),
        SYNCLINE_MASTER_KEY: "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        XDG_DATA_HOME: join(folder.path, "data"),
        XDG_CONFIG_HOME: join(folder.path, "config"),
        ...env,
      });
      ends.unshift(() => driver.stop());
      const window = await DesktopWindow.open(driver);
      ends.unshift(() => window.quit());
      await window.sees("Try it with sample data");
      return new Desk(folder.path, window, postgres, ends);
    } catch (error) {
      for (const end of ends) await end();
      throw error;
    }
  }

  /** A connection of this name from the Postgres into a file, with one table. */
  async connect(connection: string, table: object): Promise<void> {
    const { host, port, database, user, password } = this.postgres;
    const source = { side: "source", name: "shop", connector: "postgres", config: { host, port, database, user }, secrets: { password } };
    await this.window.ask("systems.save", source);
    const destination = { side: "destination", name: "file", connector: "duckdb", config: { path: `${connection}.duckdb` }, secrets: {} };
    await this.window.ask("systems.save", destination);
    await this.window.ask("connections.save", { connection, config: { source: "shop", destination: "file", tables: [table] } });
  }

  async close(): Promise<void> {
    for (const end of this.ends) await end();
  }
}
