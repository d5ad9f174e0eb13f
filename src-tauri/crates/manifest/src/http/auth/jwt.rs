//! Tokens that we sign ourselves (`JwtAuthenticator`).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use ring::rand::SystemRandom;
use ring::signature;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use syncline_protocol::{Error, ErrorKind, Result};

use crate::context::Run;
use crate::document::Node;
use crate::expression::{Accept, Condition, Mapping, Scope, Text};
use crate::http::{Options, RequestOption};
use crate::{Json, Map};

pub(in crate::http) struct Jwt {
    secret: Text,
    algorithm: String,
    seconds: i64,
    encode: Option<Condition>,
    prefix: Option<Text>,
    headers: Vec<(&'static str, Text)>,
    claims: Vec<(&'static str, Text)>,
    more_headers: Option<Mapping>,
    more_claims: Option<Mapping>,
    place: Option<RequestOption>,
}

impl Jwt {
    pub(in crate::http) fn new(node: &Node<'_>) -> Result<Jwt> {
        if node.field("passphrase").is_some() {
            return Err(node.unsupported("a private key with a passphrase"));
        }
        let part = |field: &str, name: &str| {
            node.field(field).map(|part| Text::of(&part, name)).transpose().map(Option::flatten)
        };
        let parts = |field: &str, names: [&'static str; 3]| -> Result<Vec<(&'static str, Text)>> {
            let mut found = Vec::new();
            for name in names {
                found.extend(part(field, name)?.map(|text| (name, text)));
            }
            Ok(found)
        };
        Ok(Jwt {
            secret: Text::of(node, "secret_key")?.ok_or_else(|| node.error("`secret_key` is missing"))?,
            algorithm: node.require("algorithm")?.json().as_str().unwrap_or_default().to_owned(),
            seconds: node.integer("token_duration")?.unwrap_or(1200),
            encode: Condition::of(node, "base64_encode_secret_key")?,
            prefix: Text::of(node, "header_prefix")?,
            headers: parts("jwt_headers", ["kid", "typ", "cty"])?,
            claims: parts("jwt_payload", ["iss", "sub", "aud"])?,
            more_headers: Mapping::of(node, "additional_jwt_headers")?,
            more_claims: Mapping::of(node, "additional_jwt_payload")?,
            place: node.field("request_option").map(|place| RequestOption::new(&place)).transpose()?,
        })
    }

    pub(in crate::http) fn apply(&self, run: &Run, options: &mut Options) -> Result<()> {
        let config = run.config();
        let scope = Scope::new(&config, run.clock);
        let mut token = self.token(run, &scope)?;
        if let Some(prefix) = &self.prefix {
            let prefix = prefix.eval_text(&scope)?;
            if !prefix.is_empty() {
                token = format!("{prefix} {token}");
            }
        }
        match &self.place {
            Some(place) => place.put(run, Json::String(token), options),
            None => {
                options.headers.insert("Authorization".to_owned(), Json::String(token));
                Ok(())
            }
        }
    }

    fn token(&self, run: &Run, scope: &Scope<'_>) -> Result<String> {
        let mapped = |mapping: &Option<Mapping>| -> Result<Map> {
            mapping.as_ref().map_or_else(|| Ok(Map::new()), |mapping| mapping.eval(scope, Accept::Any))
        };
        let (mut headers, mut claims) = (mapped(&self.more_headers)?, mapped(&self.more_claims)?);
        for (name, text) in &self.headers {
            headers.insert((*name).to_owned(), text.eval(scope)?);
        }
        headers.entry("typ").or_insert_with(|| "JWT".into());
        headers.insert("alg".to_owned(), Json::from(self.algorithm.as_str()));
        for (name, text) in &self.claims {
            claims.insert((*name).to_owned(), text.eval(scope)?);
        }
        // In the order of the reference, so that the same token comes out.
        headers.sort_keys();
        let now = (run.clock)().as_second();
        claims.insert("iat".to_owned(), now.into());
        claims.insert("exp".to_owned(), (now + self.seconds).into());
        claims.insert("nbf".to_owned(), now.into());
        headers.sort_keys();
        let part = |fields: Map| URL_SAFE_NO_PAD.encode(Json::Object(fields).to_string());
        let message = format!("{}.{}", part(headers), part(claims));
        let mut secret = self.secret.eval_text(scope)?;
        if self.encode.as_ref().map_or(Ok(false), |encode| encode.holds(scope))? {
            secret = STANDARD.encode(secret);
        }
        let signed = sign(&self.algorithm, secret.as_bytes(), message.as_bytes())?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signed)))
    }
}

fn wrong() -> Error {
    Error::new(ErrorKind::Config, "The private key cannot sign.")
        .fix("Check the key in the settings: all of it, from BEGIN to END, with its line ends.")
}

fn sign(algorithm: &str, secret: &[u8], message: &[u8]) -> Result<Vec<u8>> {
    macro_rules! keyed {
        ($hash:ty) => {{
            let mut mac = Hmac::<$hash>::new_from_slice(secret).map_err(|_| wrong())?;
            mac.update(message);
            Ok(mac.finalize().into_bytes().to_vec())
        }};
    }
    let random = SystemRandom::new();
    let key = || PrivateKeyDer::from_pem_slice(secret).map_err(|_| wrong());
    match algorithm {
        "HS256" => keyed!(sha2::Sha256),
        "HS384" => keyed!(sha2::Sha384),
        "HS512" => keyed!(sha2::Sha512),
        "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512" => {
            let pair = match key()? {
                PrivateKeyDer::Pkcs8(der) => signature::RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
                PrivateKeyDer::Pkcs1(der) => signature::RsaKeyPair::from_der(der.secret_pkcs1_der()),
                _ => return Err(wrong()),
            };
            let pair = pair.map_err(|_| wrong())?;
            let padding: &dyn signature::RsaEncoding = match algorithm {
                "RS256" => &signature::RSA_PKCS1_SHA256,
                "RS384" => &signature::RSA_PKCS1_SHA384,
                "RS512" => &signature::RSA_PKCS1_SHA512,
                "PS256" => &signature::RSA_PSS_SHA256,
                "PS384" => &signature::RSA_PSS_SHA384,
                _ => &signature::RSA_PSS_SHA512,
            };
            let mut signed = vec![0; pair.public().modulus_len()];
            pair.sign(padding, &random, message, &mut signed).map_err(|_| wrong())?;
            Ok(signed)
        }
        "ES256" | "ES384" => {
            let kind = if algorithm == "ES256" {
                &signature::ECDSA_P256_SHA256_FIXED_SIGNING
            } else {
                &signature::ECDSA_P384_SHA384_FIXED_SIGNING
            };
            let PrivateKeyDer::Pkcs8(der) = key()? else { return Err(wrong()) };
            let pair = signature::EcdsaKeyPair::from_pkcs8(kind, der.secret_pkcs8_der(), &random)
                .map_err(|_| wrong())?;
            Ok(pair.sign(&random, message).map_err(|_| wrong())?.as_ref().to_vec())
        }
        "EdDSA" => {
            let PrivateKeyDer::Pkcs8(der) = key()? else { return Err(wrong()) };
            let pair = signature::Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der())
                .map_err(|_| wrong())?;
            Ok(pair.sign(message).as_ref().to_vec())
        }
        other => Err(Error::new(ErrorKind::Unsupported, format!("Tokens cannot be signed with `{other}`."))),
    }
}
