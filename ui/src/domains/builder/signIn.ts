import { at, type Fields, isFields, type Json, textAt } from "./json";
import { type Edit, type Manifest, type Shown, specEdits } from "./manifest";

/** How one signs in, as people know it. */
export type SignIn =
  | { way: "none" }
  | { way: "header"; name: string }
  | { way: "parameter"; name: string }
  | { way: "bearer" }
  | { way: "basic" }
  | { way: "client"; tokenUrl: string };

export type SignInWay = SignIn["way"];
export const signInWays: readonly SignInWay[] = ["none", "header", "parameter", "bearer", "basic", "client"];

const KEY = "{{ config['api_key'] }}";

export function signInOf(manifest: Manifest): Shown<SignIn> {
  const authenticator = at(manifest.whole, [...manifest.requester, "authenticator"]);
  if (authenticator === undefined || textAt(authenticator, ["type"]) === "NoAuth") return { way: "none" };
  const uses = (field: string, name: string) => new RegExp(`^\\{\\{\\s*config(\\[['"]${name}['"]\\]|\\.${name})\\s*\\}\\}$`).test(textAt(authenticator, [field]) ?? "");
  switch (textAt(authenticator, ["type"])) {
    case "ApiKeyAuthenticator": {
      const name = textAt(authenticator, ["inject_into", "field_name"]);
      const place = textAt(authenticator, ["inject_into", "inject_into"]);
      if (name === undefined || !uses("api_token", "api_key") || (place !== "header" && place !== "request_parameter")) return "custom";
      return { way: place === "header" ? "header" : "parameter", name };
    }
    case "BearerAuthenticator":
      return uses("api_token", "api_key") ? { way: "bearer" } : "custom";
    case "BasicHttpAuthenticator":
      return uses("username", "username") && uses("password", "password") ? { way: "basic" } : "custom";
    case "OAuthAuthenticator": {
      const tokenUrl = textAt(authenticator, ["token_refresh_endpoint"]);
      const isClient = textAt(authenticator, ["grant_type"]) === "client_credentials";
      return isClient && tokenUrl !== undefined && uses("client_id", "client_id") ? { way: "client", tokenUrl } : "custom";
    }
    default:
      return "custom";
  }
}

function authenticatorOf(signIn: SignIn): Fields | undefined {
  switch (signIn.way) {
    case "none":
      return undefined;
    case "header":
    case "parameter": {
      const place = signIn.way === "header" ? "header" : "request_parameter";
      return { type: "ApiKeyAuthenticator", api_token: KEY, inject_into: { type: "RequestOption", inject_into: place, field_name: signIn.name } };
    }
    case "bearer":
      return { type: "BearerAuthenticator", api_token: KEY };
    case "basic":
      return { type: "BasicHttpAuthenticator", username: "{{ config['username'] }}", password: "{{ config['password'] }}" };
    case "client":
      return {
        type: "OAuthAuthenticator",
        token_refresh_endpoint: signIn.tokenUrl,
        grant_type: "client_credentials",
        client_id: "{{ config['client_id'] }}",
        client_secret: "{{ config['client_secret'] }}",
      };
  }
}

const settings: Record<string, { title: string; secret: boolean }> = {
  api_key: { title: "API key", secret: true },
  username: { title: "User name", secret: false },
  password: { title: "Password", secret: true },
  client_id: { title: "Client id", secret: false },
  client_secret: { title: "Client secret", secret: true },
};

const needed: Record<SignInWay, readonly string[]> = {
  none: [],
  header: ["api_key"],
  parameter: ["api_key"],
  bearer: ["api_key"],
  basic: ["username", "password"],
  client: ["client_id", "client_secret"],
};

/** The edits for a way to sign in: the authenticator, and the settings that it needs and no longer needs. */
export function signInEdits(manifest: Manifest, signIn: SignIn): Edit[] {
  const specification = ["spec", "connection_specification"];
  const properties = (at(manifest.raw, [...specification, "properties"]) as Fields | undefined) ?? {};
  const before = signInOf(manifest);
  const wanted = needed[signIn.way];
  const gone = before === "custom" ? [] : needed[before.way].filter((name) => !wanted.includes(name) && name in properties);
  const edits: Edit[] = [{ path: [...manifest.requester, "authenticator"], value: authenticatorOf(signIn) }, ...specEdits(manifest)];
  for (const name of gone) edits.push({ path: [...specification, "properties", name], value: undefined });
  for (const [order, name] of wanted.entries()) {
    if (isFields(properties[name])) continue;
    const setting = settings[name];
    const field: Fields = { type: "string", title: setting?.title ?? name, order, ...(setting?.secret && { airbyte_secret: true }) };
    edits.push({ path: [...specification, "properties", name], value: field });
  }
  const required = (at(manifest.raw, [...specification, "required"]) as Json[] | undefined) ?? [];
  const kept = required.filter((name) => typeof name !== "string" || (!gone.includes(name) && !wanted.includes(name)));
  return [...edits, { path: [...specification, "required"], value: [...wanted, ...kept] }];
}
