//! Authenticators written as components of the manifest's own language.

use serde_json::{Value, json};

use super::class_of;
use crate::document::Node;

/// What a class means.
pub(crate) enum Known {
    /// This component.
    As(Value),
    /// This component, and headers beside it.
    With(Value, Vec<(&'static str, &'static str)>),
    /// The first of these components whose condition holds.
    First(Vec<(&'static str, Value)>),
}

/// The class of an authenticator, if it is known.
pub(crate) fn known(node: &Node<'_>) -> Option<Known> {
    let field = |name: &str| node.json().get(name).cloned().unwrap_or_default();
    let has = |names: &[&str]| names.iter().all(|name| node.field(name).is_some());
    Some(match class_of(node)? {
        "TypeformAuthenticator" if has(&["token_auth", "oauth2"]) => Known::First(vec![
            ("{{ config['credentials']['auth_type'] == 'access_token' }}", field("token_auth")),
            ("{{ true }}", field("oauth2")),
        ]),
        "ZendeskTalkAuthenticator" if has(&["legacy_basic_auth", "basic_auth", "oauth"]) => {
            Known::First(vec![
                ("{{ config.get('access_token') and config.get('email') }}", field("legacy_basic_auth")),
                ("{{ config.get('credentials', {}).get('auth_type') == 'api_token' }}", field("basic_auth")),
                ("{{ config.get('credentials', {}).get('auth_type') == 'oauth2.0' }}", field("oauth")),
            ])
        }
        "CommerceToolsOauth2Authenticator" => Known::As(json!({
            "type": "OAuthAuthenticator",
            "token_refresh_endpoint": field("token_refresh_endpoint"),
            "grant_type": "client_credentials",
            "refresh_request_body": {"scope": "manage_project:{{ config['project_key'] }}"},
            "refresh_request_headers": {"Authorization": BASIC},
            "send_refresh_request_as_query_params": true,
        })),
        "ShortLivedTokenAuthenticator" if has(&["url", "client_id", "secret_key"]) => Known::As(session(
            json!({"url_base": field("url"), "http_method": "GET", "authenticator": {
                "type": "BasicHttpAuthenticator", "username": field("client_id"), "password": field("secret_key"),
            }}),
            node.field("token_key").map_or_else(|| json!("access_token"), |key| key.json().clone()),
            node.field("lifetime").map_or_else(|| json!("PT3600S"), |lasts| lasts.json().clone()),
        )),
        "LookerAuthenticator" => {
            let mut session = session(
                json!({"url_base": "https://{{ config['domain'] }}/api/4.0/login", "http_method": "POST",
                "request_body_data": {
                    "client_id": "{{ config['client_id'] }}", "client_secret": "{{ config['client_secret'] }}",
                }}),
                json!("access_token"),
                json!("PT1H"),
            );
            session["request_authentication"] = json!({
                "type": "ApiKey", "api_token": "token {{ session_token }}",
                "inject_into": {"type": "RequestOption", "inject_into": "header", "field_name": "Authorization"},
            });
            Known::As(session)
        }
        "CustomYouniumAuthenticator" if has(&["username", "password", "legal_entity"]) => Known::With(
            session(
                json!({"url_base": YOUNIUM, "http_method": "POST", "request_body_data": {
                    "username": field("username"), "password": field("password"),
                    "legal_entity": field("legal_entity"), "grant_type": field("grant_type"),
                    "client_id": field("client_id"), "scope": field("scope"),
                }}),
                json!("access_token"),
                json!("PT1H"),
            ),
            vec![("Content-Type", "application/json")],
        ),
        // The one of My Hours; others have other fields.
        "CustomAuthenticator" if has(&["email", "password"]) => Known::With(
            session(
                json!({"url_base": "https://api2.myhours.com/api/tokens/login", "http_method": "POST",
                "request_headers": {"api-version": "1.0"},
                "request_body_json": {
                    "email": field("email"), "password": field("password"),
                    "grantType": "password", "clientId": "api",
                }}),
                json!("accessToken"),
                json!("P5D"),
            ),
            vec![("Accept", "application/json"), ("api-version", "1.0")],
        ),
        _ => return None,
    })
}

const BASIC: &str = "Basic {{ (config['client_id'] ~ ':' ~ config['client_secret']) | base64encode }}";

const YOUNIUM: &str = "{{ 'https://younium-identity-server-sandbox.azurewebsites.net/connect/token' \
    if config.get('playground') else 'https://younium-identity-server.azurewebsites.net/connect/token' }}";

/// A token that a sign-in gives, shown as a bearer.
fn session(mut login: Value, token: Value, lasts: Value) -> Value {
    login["type"] = json!("HttpRequester");
    json!({
        "type": "SessionTokenAuthenticator",
        "login_requester": login,
        "session_token_path": [token],
        "expiration_duration": lasts,
        "request_authentication": {"type": "Bearer"},
    })
}
