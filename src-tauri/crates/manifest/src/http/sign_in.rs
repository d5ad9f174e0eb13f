//! Signing in with a browser, as the specification of a manifest describes it (`advanced_auth`): the page where the person
//! agrees, and the request that turns the code into tokens.

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use syncline_protocol::sign_in::{Consent, Granted, SignIn, SignInSpec};
use syncline_protocol::{Error, ErrorKind, Result};

use super::auth::find;
use super::client::{Client, Limits, Prepared, header};
use super::encode;
use super::errors::Seen;
use crate::expression::python_str;
use crate::{Json, Map};

/// What the sign-in server says of a failure is shown no longer than this.
const SAID_MAX: usize = 300;

/// What a specification says about signing in.
pub struct Description {
    page: String,
    tokens: String,
    headers: Map,
    parameters: Option<Map>,
    /// Names that this service has for the usual parameters (`client_id_key: app_id`).
    names: Map,
    scopes: Vec<String>,
    separator: &'static str,
    /// What the answer fills: the path in the settings, and the path in the answer.
    fills: Vec<(Vec<String>, Vec<String>)>,
    client: Vec<String>,
    secret: Option<Vec<String>>,
    /// Settings that the addresses mention, by the name they have there.
    settings: Vec<(String, Vec<String>)>,
    when: Option<(String, String)>,
}

impl Description {
    /// From the specification as the reference tells it; none when it describes no complete way.
    pub fn of(specification: &Json) -> Option<Description> {
        let flow = specification.get("advanced_auth")?;
        let rules = flow.get("oauth_config_specification")?;
        let input = rules.get("oauth_connector_input_specification");
        let text = |name: &str| input?.get(name)?.as_str().map(str::to_owned);
        let plain = |name: &str| rules.get(name)?.as_str().map(str::to_owned);
        let users = paths(rules.get("oauth_user_input_from_connector_config_specification"));
        let server = paths(rules.get("complete_oauth_server_output_specification"));
        let named = |name: &str| {
            let all = server.iter().chain(&users);
            all.clone().find(|(known, _)| known == name).map(|(_, path)| path.clone())
        };
        let page = text("consent_url").or_else(|| plain("oauth_authorization_url"))?;
        let tokens = text("access_token_url").or_else(|| plain("oauth_token_url"))?;
        let object = |name: &str| input.and_then(|input| input.get(name)?.as_object().cloned());
        Some(Description {
            page,
            tokens,
            headers: object("access_token_headers").unwrap_or_default(),
            parameters: object("access_token_params"),
            names: input.and_then(Json::as_object).cloned().unwrap_or_default(),
            scopes: scopes(input),
            separator: match text("scopes_join_strategy").as_deref() {
                Some("comma") => ",",
                Some("plus") => "+",
                _ => " ",
            },
            fills: outputs(rules.get("complete_oauth_output_specification")),
            client: named("client_id")?,
            secret: named("client_secret"),
            settings: users,
            when: condition(flow),
        })
        .filter(|description| !description.fills.is_empty())
    }

    /// What can be said before anybody signs in.
    pub fn spec(&self) -> SignInSpec {
        let needs = [Some(&self.client), self.secret.as_ref()];
        SignInSpec {
            fills: self.fills.iter().map(|(path, _)| path.join(".")).collect(),
            needs: needs.into_iter().flatten().map(|path| path.join(".")).collect(),
            when: self.when.clone(),
        }
    }

    /// With the settings of one system. `allow_private` as for its other requests.
    ///
    /// # Errors
    /// `Config` when the client's id is missing.
    pub fn with(self, settings: &Json, allow_private: bool) -> Result<Browser> {
        let value = |path: &[String]| {
            let value = path.iter().try_fold(settings, |value, step| value.get(step))?;
            Some(python_str(value)).filter(|text| !text.is_empty())
        };
        let client = value(&self.client).ok_or_else(|| missing(&self.client))?;
        let secret = self.secret.as_deref().and_then(value).map(SecretString::from);
        let known = self.settings.iter().filter_map(|(name, path)| Some((name.clone(), value(path)?)));
        let known = known.collect();
        Ok(Browser { client, secret, known, allow_private, description: self })
    }
}

fn missing(path: &[String]) -> Error {
    Error::new(ErrorKind::Config, format!("The setting `{}` is needed to sign in.", path.join(".")))
        .meaning("Nobody was asked anything.")
        .fix("Fill it in: the service gives it to those who register a program there.")
}

/// Signing in with the settings of one system.
pub struct Browser {
    description: Description,
    client: String,
    secret: Option<SecretString>,
    known: Vec<(String, String)>,
    allow_private: bool,
}

impl Browser {
    /// The value that a name in an address or a parameter stands for.
    fn value(&self, name: &str, own: &[(&str, &str)]) -> Option<String> {
        let scopes = || self.description.scopes.join(self.description.separator);
        if let Some((_, value)) = own.iter().find(|(known, _)| *known == name) {
            return Some((*value).to_owned());
        }
        match name {
            "client_id" => Some(self.client.clone()),
            "scope" | "scopes" => Some(scopes()),
            "optional_scopes" => Some(String::new()),
            _ => self.known.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()),
        }
    }

    /// What this service calls a parameter.
    fn key(&self, name: &str) -> String {
        let usual = match name {
            "scopes" => "scope",
            "auth_code" => "code",
            usual => usual,
        };
        let own = self.description.names.get(&format!("{name}_key")).and_then(Json::as_str);
        own.unwrap_or(usual).to_owned()
    }

    /// Fills in `{{ name_value }}`, `{{ name_key }}`, `{{ name_param }}` and plain names.
    fn filled(&self, template: &str, own: &[(&str, &str)], write: fn(&str) -> String) -> Result<String> {
        let mut text = template.to_owned();
        // The innermost pair first: older manifests put one into another, to encode it.
        while let Some(end) = text.find("}}") {
            let Some(start) = text[..end].rfind("{{") else { return Err(self.wrong(template)) };
            let inner = text[start + 2..end].trim();
            let (name, encoded) = match inner.split_once('|') {
                Some((name, filter)) if filter.trim() == "urlEncoder" => (name.trim(), true),
                Some(_) => return Err(self.wrong(template)),
                None => (inner, false),
            };
            let made = match self.known_as(name, own, write) {
                Some(made) => made,
                // What stood inside was filled in, and encoded, before.
                None if encoded && !name.contains(['{', ' ']) => name.to_owned(),
                None => return Err(self.wrong(template)),
            };
            text.replace_range(start..end + 2, &made);
        }
        Ok(text)
    }

    fn known_as(&self, name: &str, own: &[(&str, &str)], write: fn(&str) -> String) -> Option<String> {
        if let Some(name) = name.strip_suffix("_param") {
            let value = self.value(name, own)?;
            return Some(format!("{}={}", self.key(name), write(&value)));
        }
        if let Some(name) = name.strip_suffix("_key") {
            return Some(self.key(name));
        }
        let value = name.strip_suffix("_value").and_then(|name| self.value(name, own));
        value.or_else(|| self.value(name, own)).map(|value| write(&value))
    }

    fn wrong(&self, template: &str) -> Error {
        // A template of the manifest, with nothing filled in.
        Error::new(
            ErrorKind::Config,
            format!("The manifest's address for signing in is not understood: {template}"),
        )
        .meaning("Nobody was asked anything.")
        .fix("Enter the tokens by hand, if the service gives you any.")
    }

    fn request(&self, granted: &Granted<'_>) -> Result<Prepared> {
        let secret = self.secret.as_ref().map(|secret| secret.expose_secret()).unwrap_or_default();
        let verifier = granted.verifier.expose_secret();
        let own = [
            ("client_secret", secret),
            ("auth_code", granted.code.expose_secret()),
            ("redirect_uri", granted.redirect),
            ("code_verifier", verifier),
        ];
        let plain: fn(&str) -> String = |value| value.to_owned();
        let url = self.filled(&self.description.tokens, &own, encoded)?;
        let url = Url::parse(&url).map_err(|_| self.wrong(&self.description.tokens))?;
        let mut fields = Map::new();
        match &self.description.parameters {
            Some(parameters) => {
                for (name, value) in parameters {
                    let value = self.filled(&python_str(value), &own, plain)?;
                    fields.insert(self.filled(name, &own, plain)?, Json::String(value));
                }
            }
            None => {
                fields.insert("grant_type".to_owned(), "authorization_code".into());
                for name in ["auth_code", "client_id", "client_secret", "redirect_uri"] {
                    let value = self.value(name, &own).filter(|value| !value.is_empty());
                    fields.extend(value.map(|value| (self.key(name), Json::String(value))));
                }
            }
        }
        fields.entry("code_verifier").or_insert_with(|| verifier.into());
        let mut headers = HeaderMap::new();
        for (name, value) in &self.description.headers {
            let (name, value) = header(name, &self.filled(&python_str(value), &own, plain)?)?;
            headers.insert(name, value);
        }
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let body = if kind.contains("json") {
            Json::Object(fields).to_string()
        } else {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
            encode::form_body(&fields)
        };
        headers.entry(reqwest::header::ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        Ok(Prepared::post(url, headers, Some(Bytes::from(body))))
    }

    /// What the sign-in server says, without what it must not be asked to repeat.
    fn said(&self, seen: &Seen, granted: &Granted<'_>) -> String {
        let Some(message) = seen.message() else { return String::new() };
        let secrets = [Some(granted.code), Some(granted.verifier), self.secret.as_ref()];
        let clean = secrets.into_iter().flatten().fold(message, |text, secret| {
            let secret = secret.expose_secret();
            if secret.is_empty() { text } else { text.replace(secret, "…") }
        });
        format!(": {}", clean.chars().take(SAID_MAX).collect::<String>())
    }
}

#[async_trait]
impl SignIn for Browser {
    fn address(&self, consent: &Consent<'_>) -> Result<String> {
        let own = [
            ("redirect_uri", consent.redirect),
            ("state", consent.state),
            ("code_challenge", consent.challenge),
            ("code_challenge_method", "S256"),
        ];
        let text = self.filled(&self.description.page, &own, encoded)?;
        let mut url = Url::parse(&text).map_err(|_| self.wrong(&self.description.page))?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(self.wrong(&self.description.page));
        }
        // What every such request has, where the manifest leaves it out: servers ignore what they do not know.
        let there: Vec<String> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
        let usual = [
            ("response_type", "code"),
            ("client_id", self.client.as_str()),
            ("redirect_uri", consent.redirect),
            ("state", consent.state),
            ("code_challenge", consent.challenge),
            ("code_challenge_method", "S256"),
        ];
        for (name, value) in usual {
            let key = self.key(name);
            if !there.contains(&key) {
                url.query_pairs_mut().append_pair(&key, value);
            }
        }
        Ok(url.into())
    }

    fn client(&self) -> &str {
        &self.client
    }

    fn scopes(&self) -> &[String] {
        &self.description.scopes
    }

    async fn redeem(&self, granted: &Granted<'_>) -> Result<Vec<(String, SecretString)>> {
        let request = self.request(granted)?;
        let limits = Limits { allow_private: self.allow_private, body_bytes: 1 << 20, ..Limits::default() };
        let answer = Client::new(limits)?.send(&request).await?;
        let (status, url) = (answer.status, answer.url.clone());
        let body = answer.body.whole().await?;
        let again = "Sign in again. If that does not help, check the client's id and secret.";
        if !(200..300).contains(&status) {
            let seen = Seen::new(status, &body, Json::Null, &url);
            let said = self.said(&seen, granted);
            let kind = if status >= 500 { ErrorKind::ConnectionLost } else { ErrorKind::Authentication };
            let message = format!("The service gave no access: it answered with {status}{said}.");
            return Err(Error::new(kind, message).meaning("Nothing was stored.").fix(again));
        }
        let told: Json = serde_json::from_slice(&body).map_err(|_| {
            Error::new(ErrorKind::CorruptInput, "The service answered with something that is no JSON.")
                .meaning("Nothing was stored.")
                .fix(again)
        })?;
        let filled = self.description.fills.iter().filter_map(|(path, place)| {
            let exact =
                place.iter().try_fold(&told, |value, step| value.get(step)).filter(|value| !value.is_null());
            let value = exact.or_else(|| find(&told, place.last()?, 0))?;
            Some((path.join("."), SecretString::from(python_str(value))))
        });
        let filled: Vec<_> = filled.collect();
        if filled.is_empty() {
            return Err(Error::new(ErrorKind::Authentication, "The service answered without a token.")
                .meaning("Nothing was stored.")
                .fix(again));
        }
        Ok(filled)
    }
}

fn encoded(value: &str) -> String {
    percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// `properties: {client_id: {path_in_connector_config: [credentials, client_id]}}`.
fn paths(schema: Option<&Json>) -> Vec<(String, Vec<String>)> {
    let properties = schema.and_then(|schema| schema.get("properties")?.as_object());
    let path = |(name, property): (&String, &Json)| {
        Some((name.clone(), steps(property.get("path_in_connector_config")?)))
    };
    properties.into_iter().flatten().filter_map(path).filter(|(_, path)| !path.is_empty()).collect()
}

fn outputs(schema: Option<&Json>) -> Vec<(Vec<String>, Vec<String>)> {
    let property = |name: &str| schema.and_then(|schema| schema.get("properties")?.get(name));
    let place = |name: &str| {
        let written = property(name).and_then(|property| property.get("path_in_oauth_response")).map(steps);
        written.filter(|steps| !steps.is_empty()).unwrap_or_else(|| vec![name.to_owned()])
    };
    paths(schema).into_iter().map(|(name, path)| (path, place(&name))).collect()
}

fn steps(path: &Json) -> Vec<String> {
    path.as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
}

/// `scopes: [{scope: a}]`, `scopes: [a]` or `scope: "a b"`.
fn scopes(input: Option<&Json>) -> Vec<String> {
    let Some(input) = input else { return Vec::new() };
    let one = |scope: &Json| scope.get("scope").unwrap_or(scope).as_str().map(str::to_owned);
    let listed = input.get("scopes").and_then(Json::as_array).into_iter().flatten().filter_map(one);
    let written = input.get("scope").and_then(Json::as_str).unwrap_or_default().split_whitespace();
    listed.chain(written.map(str::to_owned)).collect()
}

fn condition(flow: &Json) -> Option<(String, String)> {
    let path = steps(flow.get("predicate_key")?);
    let value = flow.get("predicate_value")?.as_str()?.to_owned();
    (!path.is_empty()).then(|| (path.join("."), value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn specification(page: &str) -> Json {
        json!({"advanced_auth": {
            "auth_flow_type": "oauth2.0",
            "predicate_key": ["credentials", "kind"],
            "predicate_value": "oauth",
            "oauth_config_specification": {
                "oauth_connector_input_specification": {
                    "consent_url": page,
                    "access_token_url": "https://{{ region }}.example.com/token",
                    "scopes": [{"scope": "read:all"}, {"scope": "offline"}],
                    "client_id_key": "app_id",
                },
                "oauth_user_input_from_connector_config_specification": {"properties": {"region": {"path_in_connector_config": ["region"]}}},
                "complete_oauth_output_specification": {"properties": {"refresh_token": {"path_in_connector_config": ["credentials", "refresh_token"]}}},
                "complete_oauth_server_output_specification": {"properties": {
                    "client_id": {"path_in_connector_config": ["credentials", "client_id"]},
                    "client_secret": {"path_in_connector_config": ["credentials", "client_secret"]},
                }},
            },
        }})
    }

    fn settings() -> Json {
        json!({"region": "eu", "credentials": {"client_id": "me&you", "client_secret": "hunter2"}})
    }

    fn browser(page: &str) -> Browser {
        Description::of(&specification(page)).unwrap().with(&settings(), false).unwrap()
    }

    const CONSENT: Consent<'_> = Consent { redirect: "http://127.0.0.1:4000/", state: "s1", challenge: "c1" };

    fn pairs(address: &str) -> Vec<(String, String)> {
        Url::parse(address).unwrap().query_pairs().into_owned().collect()
    }

    #[test]
    fn the_page_gets_what_the_manifest_says_and_what_every_such_page_needs() {
        let of = |page: &str| {
            let mut found = pairs(&browser(page).address(&CONSENT).unwrap());
            found.sort();
            found
        };
        let mut expected: Vec<(String, String)> = [
            ("app_id", "me&you"),
            ("code_challenge", "c1"),
            ("code_challenge_method", "S256"),
            ("redirect_uri", "http://127.0.0.1:4000/"),
            ("response_type", "code"),
            ("scope", "read:all offline"),
            ("state", "s1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let new = "https://{{region}}.example.com/in?{{ client_id_param }}&{{redirect_uri_param}}&{{scopes_param}}&{{state_param}}";
        assert_eq!(of(new), expected);
        let old = "https://x.example.com/in?{{client_id_key}}={{client_id_value}}&{{redirect_uri_key}}={{ {{redirect_uri_value}} | urlEncoder }}&scope={{ scope_value }}";
        assert_eq!(of(old), expected);
        expected.retain(|(name, _)| name != "scope");
        assert_eq!(of("https://x.example.com/in"), expected);
        for wrong in [
            "https://x/{{ nonsense }}",
            "https://x/{{ state_value | shout }}",
            "https://x/}}",
            "javascript:{{state_value}}",
        ] {
            assert!(browser(wrong).address(&CONSENT).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_exchange_proves_who_asked_and_keeps_its_secrets_out_of_the_address() {
        let code = SecretString::from("co de");
        let verifier = SecretString::from("v1");
        let granted = Granted { code: &code, redirect: CONSENT.redirect, verifier: &verifier };
        let request = browser("https://x.example.com/in").request(&granted).unwrap();
        assert_eq!(request.url.as_str(), "https://eu.example.com/token");
        let body = String::from_utf8(request.body.unwrap().to_vec()).unwrap();
        let mut fields: Vec<(String, String)> =
            url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        fields.sort();
        let expected = [
            ("app_id", "me&you"),
            ("client_secret", "hunter2"),
            ("code", "co de"),
            ("code_verifier", "v1"),
            ("grant_type", "authorization_code"),
            ("redirect_uri", "http://127.0.0.1:4000/"),
        ];
        assert_eq!(fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn what_is_needed_and_filled_is_known_before() {
        let spec = Description::of(&specification("https://x.example.com")).unwrap().spec();
        assert_eq!(spec.fills, ["credentials.refresh_token"]);
        assert_eq!(spec.needs, ["credentials.client_id", "credentials.client_secret"]);
        assert_eq!(spec.when, Some(("credentials.kind".to_owned(), "oauth".to_owned())));
        let error = Description::of(&specification("https://x.example.com"))
            .unwrap()
            .with(&json!({}), false)
            .err()
            .unwrap();
        assert!(error.message().contains("credentials.client_id"));
        // Most manifests leave the addresses to a server that is not ours.
        let mut incomplete = specification("https://x.example.com");
        incomplete["advanced_auth"]["oauth_config_specification"]["oauth_connector_input_specification"] =
            Json::Null;
        assert!(Description::of(&incomplete).is_none());
    }
}
