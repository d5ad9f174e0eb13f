//! A service that people sign in to with a browser (OAuth 2 with a code and PKCE), with one API behind it. It is strict: what
//! a real one might let pass is refused here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::http::{Answer, HttpServer, Request};

/// The client that is registered there.
pub const CLIENT: &str = "studio-client";
/// Its secret.
pub const SECRET: &str = "client-secret-4711";
/// What lets one ask for new access tokens. A canary: it may stand in no file, log or page.
pub const REFRESH_TOKEN: &str = "refresh-token-canary-0815";
const ACCESS_TOKEN: &str = "access-token-canary-0816";
const TICKETS: usize = 25;

/// A running service.
#[derive(Debug)]
pub struct AuthorizationServer {
    server: HttpServer,
}

/// What was agreed to: by code, the challenge and the redirect it belongs to.
type Codes = Mutex<HashMap<String, (String, String)>>;

impl AuthorizationServer {
    /// Starts on a free port.
    ///
    /// # Errors
    /// When there is none.
    pub async fn start() -> Result<AuthorizationServer> {
        let codes = Arc::new(Codes::default());
        let server = HttpServer::start(move |request| answer(&codes, &request)).await?;
        Ok(AuthorizationServer { server })
    }

    /// Its address.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// A manifest that reads its tickets and says how to sign in.
    pub fn manifest(&self) -> String {
        MANIFEST.replace("URL", &self.url())
    }
}

const MANIFEST: &str = r#"version: 6.0.0
type: DeclarativeSource
check: {type: CheckStream, stream_names: [tickets]}
streams:
  - type: DeclarativeStream
    name: tickets
    primary_key: [id]
    retriever:
      type: SimpleRetriever
      requester:
        type: HttpRequester
        url_base: "URL"
        path: /tickets
        http_method: GET
        authenticator:
          type: OAuthAuthenticator
          token_refresh_endpoint: "URL/token"
          client_id: "{{ config['credentials']['client_id'] }}"
          client_secret: "{{ config['credentials']['client_secret'] }}"
          refresh_token: "{{ config['credentials']['refresh_token'] }}"
      record_selector: {type: RecordSelector, extractor: {type: DpathExtractor, field_path: [data]}}
    schema_loader:
      type: InlineSchemaLoader
      schema: {type: object, properties: {id: {type: integer}, title: {type: string}}}
spec:
  type: Spec
  connection_specification:
    type: object
    required: [credentials]
    properties:
      credentials:
        type: object
        title: How to sign in
        oneOf:
          - title: Browser
            required: [kind, client_id, client_secret, refresh_token]
            properties:
              kind: {type: string, const: browser}
              client_id: {type: string, title: Client ID}
              client_secret: {type: string, title: Client secret, airbyte_secret: true}
              refresh_token: {type: string, title: Refresh token, airbyte_secret: true}
          - title: Key
            required: [kind, key]
            properties:
              kind: {type: string, const: key}
              key: {type: string, title: Key, airbyte_secret: true}
  advanced_auth:
    auth_flow_type: oauth2.0
    predicate_key: [credentials, kind]
    predicate_value: browser
    oauth_config_specification:
      oauth_connector_input_specification:
        scopes: [{scope: "tickets:read"}]
        consent_url: "URL/authorize?{{client_id_param}}&{{redirect_uri_param}}&response_type=code&{{scopes_param}}&{{state_param}}"
        access_token_url: "URL/token"
        access_token_params:
          grant_type: authorization_code
          code: "{{ auth_code_value }}"
          client_id: "{{ client_id_value }}"
          client_secret: "{{ client_secret_value }}"
          redirect_uri: "{{ redirect_uri_value }}"
        extract_output: [refresh_token]
      complete_oauth_output_specification:
        type: object
        properties: {refresh_token: {type: string, path_in_connector_config: [credentials, refresh_token]}}
      complete_oauth_server_output_specification:
        type: object
        properties:
          client_id: {type: string, path_in_connector_config: [credentials, client_id]}
          client_secret: {type: string, path_in_connector_config: [credentials, client_secret]}
"#;

fn answer(codes: &Codes, request: &Request) -> Answer {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    match path {
        "/authorize" => page(&fields(query)),
        "/agree" => agree(codes, &fields(query)),
        "/token" => token(codes, &fields(&String::from_utf8_lossy(&request.body))),
        "/tickets" => tickets(request),
        _ => refused(404, "not_found"),
    }
}

/// Asks the person, with a link for each answer.
fn page(asked: &HashMap<String, String>) -> Answer {
    let of = |name: &str| asked.get(name).map(String::as_str).unwrap_or_default();
    let redirect = of("redirect_uri");
    let is_loopback = redirect.strip_prefix("http://127.0.0.1:").is_some_and(|rest| {
        rest.strip_suffix('/').is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
    });
    let right = of("client_id") == CLIENT
        && of("response_type") == "code"
        && of("code_challenge_method") == "S256"
        && of("code_challenge").len() == 43
        && of("state").len() >= 16
        && of("scope") == "tickets:read"
        && is_loopback;
    if !right {
        return html(400, "This request is wrong.");
    }
    let agree =
        format!("/agree?challenge={}&state={}&redirect={redirect}", of("code_challenge"), of("state"));
    let deny = format!("{redirect}?error=access_denied&state={}", of("state"));
    html(200, &format!("<h1>Tickets</h1><p><a href='{agree}'>Allow</a> <a href='{deny}'>Deny</a></p>"))
}

fn agree(codes: &Codes, asked: &HashMap<String, String>) -> Answer {
    let of = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let mut codes = codes.lock().unwrap_or_else(PoisonError::into_inner);
    let code = format!("code-{}", codes.len() + 1);
    codes.insert(code.clone(), (of("challenge"), of("redirect")));
    let target = format!("{}?code={code}&state={}", of("redirect"), of("state"));
    Answer {
        status: 302,
        headers: vec![("Location".to_owned(), target)],
        body: Arc::from([]),
        ..Answer::default()
    }
}

fn token(codes: &Codes, asked: &HashMap<String, String>) -> Answer {
    let of = |name: &str| asked.get(name).map(String::as_str).unwrap_or_default();
    if (of("client_id"), of("client_secret")) != (CLIENT, SECRET) {
        return refused(401, "invalid_client");
    }
    let granted = json!({"access_token": ACCESS_TOKEN, "refresh_token": REFRESH_TOKEN, "expires_in": 3600});
    match of("grant_type") {
        "refresh_token" if of("refresh_token") == REFRESH_TOKEN => Answer::json(&granted),
        "authorization_code" => {
            // Once, whatever comes of it.
            let known = codes.lock().unwrap_or_else(PoisonError::into_inner).remove(of("code"));
            let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(of("code_verifier")));
            let redirect = of("redirect_uri").to_owned();
            if known == Some((challenge, redirect)) {
                Answer::json(&granted)
            } else {
                refused(400, "invalid_grant")
            }
        }
        _ => refused(400, "invalid_grant"),
    }
}

fn tickets(request: &Request) -> Answer {
    if request.header("authorization") != Some(&format!("Bearer {ACCESS_TOKEN}")) {
        return refused(401, "unauthorized");
    }
    let tickets: Vec<Value> =
        (1..=TICKETS).map(|id| json!({"id": id, "title": format!("Ticket {id}")})).collect();
    Answer::json(&json!({"data": tickets}))
}

fn refused(status: u16, error: &str) -> Answer {
    Answer { status, ..Answer::json(&json!({"error": error})) }
}

fn html(status: u16, body: &str) -> Answer {
    let headers = vec![("Content-Type".to_owned(), "text/html".to_owned())];
    Answer { status, headers, body: body.as_bytes().into(), ..Answer::default() }
}

/// A query or a form.
fn fields(text: &str) -> HashMap<String, String> {
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}
