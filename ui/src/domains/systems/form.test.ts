import { describe, expect, it } from "vitest";
import type { FormField } from "~/api/generated";
import { applicable, assemble, fromAddress, fromConfig, isAddress, problemOf, referencesOf, withoutSecrets } from "./form";

function field(path: string, extra: Partial<FormField> = {}): FormField {
  return {
    path: path.split("."),
    control: "text",
    label: path,
    help: null,
    required: false,
    default: null,
    example: null,
    minimum: null,
    maximum: null,
    choices: [],
    multiline: false,
    advanced: false,
    group: null,
    condition: null,
    ...extra,
  };
}

const tunnel = { path: ["ssh"], equals: true };
const postgres: FormField[] = [
  field("host", { required: true }),
  field("port", { control: "number", default: 5432, minimum: 1, maximum: 65535 }),
  field("database", { required: true }),
  field("user", { required: true }),
  field("password", { control: "secret" }),
  field("ssl.mode", { control: "choice", default: "prefer" }),
  field("ssh", { control: "switch" }),
  field("ssh.host", { required: true, condition: tunnel }),
  field("ssh.password", { control: "secret", condition: tunnel }),
];

describe("a form of descriptors", () => {
  it("sends typed values, nested by path, with secrets apart", () => {
    const sent = assemble(postgres, { host: "db", database: "shop", user: "ana", password: "hunter2" });
    expect(sent.config).toEqual({ host: "db", port: 5432, database: "shop", user: "ana", ssl: { mode: "prefer" } });
    expect(sent.secrets).toEqual({ password: "hunter2" });
    expect(JSON.stringify(sent.config)).not.toContain("hunter2");
  });

  it("keeps the values of a branch that is switched away, and neither sends nor checks them", () => {
    const values = { host: "db", ssh: true, "ssh.host": "jump", "ssh.password": "s" };
    expect(assemble(postgres, values).config["ssh"]).toEqual({ host: "jump" });
    const away = { ...values, ssh: false };
    expect(assemble(postgres, away).config).not.toHaveProperty("ssh");
    expect(assemble(postgres, away).secrets).toEqual({});
    expect(applicable(postgres, away).map(({ label }) => label)).not.toContain("ssh.host");
    expect(assemble(postgres, { ...away, ssh: true }).config["ssh"]).toEqual({ host: "jump" });
  });

  it("finds what is missing, no number, or out of range", () => {
    const [host, port] = postgres;
    if (!host || !port) throw new Error("fields");
    expect(problemOf(host, {})).toBe("required");
    expect(problemOf(port, {})).toBeNull();
    expect(problemOf(port, { port: "many" })).toBe("number");
    expect(problemOf(port, { port: "1.5" })).toBe("integer");
    expect(problemOf(port, { port: "0" })).toBe("minimum");
    expect(problemOf(port, { port: "70000" })).toBe("maximum");
  });

  it("leaves secrets out of what is kept as a draft", () => {
    expect(withoutSecrets(postgres, { host: "db", password: "hunter2", "ssh.password": "s" })).toEqual({ host: "db" });
  });

  it("fills itself from an address: the engine's values, and the secrets that stand in the address", () => {
    const answer = { connector: "postgres", values: { host: "db.example.com", port: 5433, "ssl.mode": "require" }, secrets: ["password"] };
    const { values, secrets } = fromAddress(answer, " postgres://ana:p%40ss@db.example.com:5433/shop?sslmode=require ");
    expect(values).toMatchObject({ host: "db.example.com", port: "5433", "ssl.mode": "require" });
    expect(JSON.stringify(values)).not.toContain("p@ss");
    expect(secrets).toEqual({ password: "p@ss" });
    const token = fromAddress({ ...answer, secrets: ["token"] }, "https://api.example.com/?token=t%2F1");
    expect(token.secrets).toEqual({ token: "t/1" });
    expect(fromAddress(answer, "postgres://ana:50%@db/shop").secrets).toEqual({ password: "50%" });
  });

  it("knows an address from a word", () => {
    expect(isAddress("postgres://db/shop")).toBe(true);
    expect(isAddress("postgres")).toBe(false);
    expect(isAddress("postgres://")).toBe(false);
  });

  it("gives back stored settings as they were, with the references of secrets that are not replaced", () => {
    const stored = {
      host: "db",
      port: "${env:PORT}",
      database: "shop",
      user: "ana",
      password: "${secret:source_shop_password}",
      ssl: { mode: "require" },
      ssh: { host: "jump", password: "${secret:source_shop_ssh_password}" },
    };
    const values = fromConfig(postgres, stored);
    const references = referencesOf(stored, ["password", "ssh.password"]);
    expect(JSON.stringify(values)).not.toContain("secret:");
    expect(postgres.filter((each) => problemOf(each, values) !== null)).toEqual([]);
    expect(assemble(postgres, values, references)).toEqual({ config: stored, secrets: {} });
    const replaced = assemble(postgres, { ...values, password: "new" }, references);
    expect(replaced.secrets).toEqual({ password: "new" });
    expect(replaced.config).not.toHaveProperty("password");
    expect(replaced.config["ssh"]).toEqual(stored.ssh);
  });
});
