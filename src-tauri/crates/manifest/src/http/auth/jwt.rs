//! Tokens that we sign ourselves (`JwtAuthenticator`).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use pkcs8::der::pem::PemLabel as _;
use pkcs8::der::{Decode as _, Encode as _};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
use ring::{hmac, rand::SystemRandom};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use syncline_protocol::{Error, ErrorKind, Result};

use crate::context::Run;
use crate::document::Node;
use crate::expression::{Accept, Mapping, Scope, Text, python_str, truthy};
use crate::http::Options;
use crate::http::request::option::RequestOption;
use crate::{Json, Map};

/// Signs a token for each request.
pub(crate) struct Jwt {
    algorithm: Algorithm,
    name: &'static str,
    secret: Text,
    encode_secret: bool,
    passphrase: Option<Text>,
    seconds: i64,
    prefix: Option<Text>,
    headers: Vec<(&'static str, Text)>,
    claims: Vec<(&'static str, Text)>,
    more_headers: Option<Mapping>,
    more_claims: Option<Mapping>,
    option: RequestOption,
}

#[derive(Clone, Copy)]
enum Algorithm {
    Hmac(hmac::Algorithm),
    Rsa(&'static dyn RsaEncoding),
    Ecdsa(&'static EcdsaSigningAlgorithm),
    Eddsa,
}

fn algorithm(name: &str) -> Option<(&'static str, Algorithm)> {
    Some(match name {
        "HS256" => ("HS256", Algorithm::Hmac(hmac::HMAC_SHA256)),
        "HS384" => ("HS384", Algorithm::Hmac(hmac::HMAC_SHA384)),
        "HS512" => ("HS512", Algorithm::Hmac(hmac::HMAC_SHA512)),
        "RS256" => ("RS256", Algorithm::Rsa(&RSA_PKCS1_SHA256)),
        "RS384" => ("RS384", Algorithm::Rsa(&RSA_PKCS1_SHA384)),
        "RS512" => ("RS512", Algorithm::Rsa(&RSA_PKCS1_SHA512)),
        "PS256" => ("PS256", Algorithm::Rsa(&RSA_PSS_SHA256)),
        "PS384" => ("PS384", Algorithm::Rsa(&RSA_PSS_SHA384)),
        "PS512" => ("PS512", Algorithm::Rsa(&RSA_PSS_SHA512)),
        "ES256" => ("ES256", Algorithm::Ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING)),
        "ES384" => ("ES384", Algorithm::Ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING)),
        "EdDSA" => ("EdDSA", Algorithm::Eddsa),
        _ => return None,
    })
}

impl Jwt {
    pub(crate) fn new(node: &Node<'_>) -> Result<Jwt> {
        let name = node.text("algorithm")?.unwrap_or_default();
        let found = algorithm(name);
        let (name, algorithm) =
            found.ok_or_else(|| node.unsupported(format!("the signature `{name}` of a JWT")))?;
        let texts = |field: &str, names: &[&'static str]| -> Result<Vec<(&'static str, Text)>> {
            let Some(inner) = node.field(field) else { return Ok(Vec::new()) };
            let text = |name: &&'static str| match inner.text(name) {
                Ok(Some(text)) => Some(Text::new(text, node.parameters()).map(|text| (*name, text))),
                Ok(None) => None,
                Err(error) => Some(Err(error)),
            };
            names.iter().filter_map(text).collect()
        };
        let mut headers = texts("jwt_headers", &["kid", "typ", "cty"])?;
        if !headers.iter().any(|(name, _)| *name == "typ") {
            headers.insert(
                usize::from(!headers.is_empty() && headers[0].0 == "kid"),
                ("typ", Text::new("JWT", node.parameters())?),
            );
        }
        let option = match node.field("request_option") {
            Some(option) => RequestOption::new(&option)?,
            None => RequestOption::header(Text::new("Authorization", node.parameters())?),
        };
        Ok(Jwt {
            algorithm,
            name,
            secret: Text::of(node, "secret_key")?.ok_or_else(|| node.error("`secret_key` is missing"))?,
            encode_secret: node.boolean("base64_encode_secret_key")? == Some(true),
            passphrase: Text::of(node, "passphrase")?,
            seconds: node.integer("token_duration")?.unwrap_or(1200),
            prefix: Text::of(node, "header_prefix")?,
            headers,
            claims: texts("jwt_payload", &["iss", "sub", "aud"])?,
            more_headers: Mapping::of(node, "additional_jwt_headers")?,
            more_claims: Mapping::of(node, "additional_jwt_payload")?,
            option,
        })
    }

    pub(crate) fn add(&self, run: &Run, options: &mut Options) -> Result<()> {
        self.option.put(run, Json::String(self.token(run)?), options)
    }

    /// The token with its prefix.
    pub(crate) fn token(&self, run: &Run) -> Result<String> {
        let config = run.config();
        let scope = Scope::new(&config, run.clock);
        let signed = self.signed(&scope, (run.clock)().as_second())?;
        run.client.secrets.hide(&signed);
        let prefix = self.prefix.as_ref().map(|prefix| prefix.eval_text(&scope)).transpose()?;
        Ok(match prefix.filter(|prefix| !prefix.is_empty()) {
            Some(prefix) => format!("{prefix} {signed}"),
            None => signed,
        })
    }

    fn signed(&self, scope: &Scope<'_>, now: i64) -> Result<String> {
        let mut headers =
            extra(&self.more_headers, scope, &["kid", "alg", "typ", "cty"], "additional_jwt_headers")?;
        fill(&mut headers, &self.headers, scope)?;
        headers.insert("alg".to_owned(), Json::from(self.name));
        let reserved = ["iss", "sub", "aud", "iat", "exp", "nbf"];
        let mut claims = extra(&self.more_claims, scope, &reserved, "additional_jwt_payload")?;
        fill(&mut claims, &self.claims, scope)?;
        for (name, value) in [("iat", now), ("exp", now.saturating_add(self.seconds)), ("nbf", now)] {
            claims.insert(name.to_owned(), Json::from(value));
        }
        let part = |fields: Map| URL_SAFE_NO_PAD.encode(Json::Object(fields).to_string());
        let text = format!("{}.{}", part(headers), part(claims));
        let signature = self.sign(scope, text.as_bytes())?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn sign(&self, scope: &Scope<'_>, text: &[u8]) -> Result<Vec<u8>> {
        let mut secret = python_str(&self.secret.eval(scope)?);
        let passphrase = self.passphrase.as_ref().map(|text| text.eval(scope)).transpose()?.filter(truthy);
        if let Algorithm::Hmac(algorithm) = self.algorithm {
            if self.encode_secret {
                secret = STANDARD.encode(secret);
            }
            let key = hmac::Key::new(algorithm, secret.as_bytes());
            return Ok(hmac::sign(&key, text).as_ref().to_vec());
        }
        let key = Key::read(&secret, passphrase.map(|text| python_str(&text)).as_deref())?;
        let random = SystemRandom::new();
        match self.algorithm {
            Algorithm::Rsa(encoding) => {
                let pair = match &key {
                    Key::Pkcs1(der) => RsaKeyPair::from_der(der),
                    Key::Pkcs8(der) => RsaKeyPair::from_pkcs8(der),
                };
                let pair = pair.map_err(|_| bad_key("it is no RSA key of 2048 bits or more"))?;
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(encoding, &random, text, &mut signature).map_err(|_| bad_key("it cannot sign"))?;
                Ok(signature)
            }
            Algorithm::Ecdsa(algorithm) => {
                let pair = EcdsaKeyPair::from_pkcs8(algorithm, key.pkcs8()?, &random);
                let pair = pair.map_err(|_| bad_key("it is no key for this curve"))?;
                Ok(pair.sign(&random, text).map_err(|_| bad_key("it cannot sign"))?.as_ref().to_vec())
            }
            Algorithm::Eddsa => {
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(key.pkcs8()?);
                let pair = pair.map_err(|_| bad_key("it is no Ed25519 key"))?;
                Ok(pair.sign(text).as_ref().to_vec())
            }
            Algorithm::Hmac(_) => Err(Error::internal("A JWT is signed in two ways.")),
        }
    }
}

/// A private key.
enum Key {
    Pkcs1(Vec<u8>),
    Pkcs8(Vec<u8>),
}

impl Key {
    fn read(pem: &str, passphrase: Option<&str>) -> Result<Key> {
        // Forms often take away line ends, or keep them as they are written in JSON.
        let pem = pem.replace("\\n", "\n");
        if pem.contains(pkcs8::EncryptedPrivateKeyInfoRef::PEM_LABEL) {
            let passphrase =
                passphrase.ok_or_else(|| bad_key("it is encrypted, and there is no passphrase"))?;
            let (_, sealed) = pkcs8::Document::from_pem(&pem).map_err(|_| bad_key("it is no PEM"))?;
            let sealed = pkcs8::EncryptedPrivateKeyInfoRef::from_der(sealed.as_bytes());
            let opened = sealed.map_err(|_| bad_key("it is no PKCS #8"))?.decrypt(passphrase);
            let opened = opened
                .map_err(|_| bad_key("the passphrase is wrong, or it is encrypted in an unknown way"))?;
            return Ok(Key::Pkcs8(opened.as_bytes().to_vec()));
        }
        match PrivateKeyDer::from_pem_slice(pem.as_bytes()) {
            Ok(PrivateKeyDer::Pkcs1(der)) => Ok(Key::Pkcs1(der.secret_pkcs1_der().to_vec())),
            Ok(PrivateKeyDer::Pkcs8(der)) => Ok(Key::Pkcs8(der.secret_pkcs8_der().to_vec())),
            Ok(PrivateKeyDer::Sec1(der)) => wrapped(der.secret_sec1_der()).map(Key::Pkcs8),
            _ => Err(bad_key("it is no private key in PEM")),
        }
    }

    fn pkcs8(&self) -> Result<&[u8]> {
        match self {
            Key::Pkcs8(der) => Ok(der),
            Key::Pkcs1(_) => Err(bad_key("it is an RSA key, and the algorithm needs another")),
        }
    }
}

/// An elliptic key of the older form (SEC 1) in the newer one. Its length tells the curve.
fn wrapped(sec1: &[u8]) -> Result<Vec<u8>> {
    use pkcs8::{ObjectIdentifier, spki::AlgorithmIdentifierRef};
    const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
    const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
    const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
    let curve = if sec1.len() > 140 { P384 } else { P256 };
    let algorithm = AlgorithmIdentifierRef { oid: EC, parameters: Some((&curve).into()) };
    let inner = pkcs8::der::asn1::OctetStringRef::new(sec1).map_err(|_| bad_key("it is too long"))?;
    pkcs8::PrivateKeyInfoRef::new(algorithm, inner).to_der().map_err(|_| bad_key("it cannot be read"))
}

fn bad_key(why: &str) -> Error {
    Error::new(ErrorKind::Config, format!("The private key of the connection cannot be used: {why}."))
        .fix("Enter the whole key again, with its first and last line (-----BEGIN …).")
}

fn extra(mapping: &Option<Mapping>, scope: &Scope<'_>, reserved: &[&str], field: &str) -> Result<Map> {
    let fields = mapping.as_ref().map_or(Ok(Map::new()), |mapping| mapping.eval(scope, Accept::Any))?;
    match reserved.iter().find(|name| fields.contains_key(**name)) {
        Some(name) => Err(Error::new(
            ErrorKind::Config,
            format!("`{field}` in the connector's manifest sets `{name}`, which has a place of its own."),
        )),
        None => Ok(fields),
    }
}

fn fill(fields: &mut Map, texts: &[(&'static str, Text)], scope: &Scope<'_>) -> Result<()> {
    for (name, text) in texts {
        fields.insert((*name).to_owned(), text.eval(scope)?);
    }
    Ok(())
}
