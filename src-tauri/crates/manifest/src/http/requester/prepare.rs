//! From what a manifest says of a request to the request: address, headers, body, and what others add to it.

use bytes::Bytes;
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use syncline_protocol::{Error, ErrorKind, Result};
use tokio::time::Instant;

use super::{Asked, Requester};
use crate::context::{Output, Run, Slice};
use crate::expression::{Accept, Mapping, Scope, Text, json_dumps, python_str};
use crate::http::client::{Origin, Prepared, header};
use crate::http::encode;
use crate::http::options::{Options, combine, merge};
use crate::{Json, Map};

impl Requester {
    /// The request as it is sent.
    ///
    /// # Errors
    /// Of templates; `Config`, when what they give is no request.
    pub(super) async fn prepare(
        &self,
        run: &Run,
        asked: &Asked<'_>,
        refused: Option<Instant>,
        output: &dyn Output,
    ) -> Result<Prepared> {
        let mut auth = Options::default();
        self.authenticator.apply(run, &mut auth, refused, output).await?;
        let config = run.config();
        let slice = asked.slice.map_or_else(|| Json::Object(Map::new()), Slice::for_templates);
        let token = asked.token.map_or(Json::Null, |token| {
            Json::Object(Map::from_iter([("next_page_token".to_owned(), token.clone())]))
        });
        let mut scope =
            Scope::new(&config, run.clock).with("next_page_token", &token).with("stream_slice", &slice);
        for (name, value) in asked.slice.iter().flat_map(|slice| &slice.extra_fields) {
            scope = scope.with(name, value);
        }
        for (name, value) in &asked.variables {
            scope = scope.with(name, value);
        }
        self.prepared(&scope, asked, auth).map_err(|error| error.with("request", &self.place))
    }

    fn prepared(&self, scope: &Scope<'_>, asked: &Asked<'_>, auth: Options) -> Result<Prepared> {
        let options = &asked.options;
        let (mut url, origin) = self.address(scope, asked)?;
        let mapped = |mapping: &Option<Mapping>, accept| -> Result<Json> {
            mapping
                .as_ref()
                .map_or_else(|| Ok(Json::Object(Map::new())), |mapping| mapping.eval_any(scope, accept))
        };
        let mut parameters = match mapped(&self.parameters, Accept::TextAndLists)? {
            Json::Object(parameters) => parameters,
            // One text that does not become an object stands for no parameters.
            _ => Map::new(),
        };
        combine(&mut parameters, &auth.parameters)?;
        combine(&mut parameters, &options.parameters)?;
        if parameters.values().any(Json::is_object) {
            return Err(Error::new(ErrorKind::Config, "A query parameter of the connector is an object."));
        }
        encode::with_query(&mut url, &parameters);
        let mut fields = object(mapped(&self.headers, Accept::Any)?, "request_headers")?;
        combine(&mut fields, &auth.headers)?;
        combine(&mut fields, &options.headers)?;
        let mut headers = HeaderMap::new();
        for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
            let (name, value) = header(name, &python_str(value))?;
            headers.insert(name, value);
        }
        let (body, kind) = self.body(scope, &mapped, options, &auth)?;
        if let Some(kind) = kind
            && !headers.contains_key(CONTENT_TYPE)
        {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        Ok(Prepared { method: self.method.clone(), url, headers, body, origin })
    }

    fn body(
        &self,
        scope: &Scope<'_>,
        mapped: &dyn Fn(&Option<Mapping>, Accept) -> Result<Json>,
        options: &Options,
        auth: &Options,
    ) -> Result<(Option<Bytes>, Option<&'static str>)> {
        const FORM: &str = "application/x-www-form-urlencoded";
        let text = match (&self.body_text, mapped(&self.body_data, Accept::TextAndLists)?) {
            (Some(text), _) => Some(text.eval_text(scope)?),
            (None, Json::String(text)) => Some(text),
            _ => None,
        };
        if let Some(text) = text {
            if !options.body_data.is_empty() || !auth.body_data.is_empty() {
                return Err(Error::new(
                    ErrorKind::Config,
                    "The connector's manifest gives a request a body that is a text, and fields for a form.",
                ));
            }
            return Ok((Some(Bytes::from(text)).filter(|text| !text.is_empty()), None));
        }
        let mut json = object(mapped(&self.body_json, Accept::Any)?, "request_body_json")?;
        merge(&mut json, &Json::Object(auth.body_json.clone()))?;
        merge(&mut json, &Json::Object(options.body_json.clone()))?;
        let mut data = object(mapped(&self.body_data, Accept::TextAndLists)?, "request_body_data")?;
        combine(&mut data, &auth.body_data)?;
        combine(&mut data, &options.body_data)?;
        match (json.is_empty(), data.is_empty()) {
            (true, true) => Ok((None, None)),
            (false, true) => {
                Ok((Some(Bytes::from(json_dumps(&Json::Object(json)))), Some("application/json")))
            }
            (true, false) => Ok((Some(Bytes::from(encode::form_body(&data))), Some(FORM))),
            (false, false) => Err(Error::new(
                ErrorKind::Config,
                "The connector's manifest gives a request two bodies: a form and JSON.",
            )),
        }
    }

    /// The address, and who named it.
    fn address(&self, scope: &Scope<'_>, asked: &Asked<'_>) -> Result<(Url, Origin)> {
        let text = |text: &Option<Text>| text.as_ref().map(|text| text.eval_text(scope)).transpose();
        let tells = |text: &Option<Text>| text.as_ref().is_some_and(|text| asked.tells(text));
        let (url, base) = (text(&self.url)?, text(&self.base)?);
        let (root, root_is_told) = match url.filter(|url| !url.is_empty()) {
            Some(url) => (url, tells(&self.url)),
            None => (base.unwrap_or_default(), tells(&self.base)),
        };
        let (address, path_is_told) = match asked.options.path.as_deref() {
            Some(token) => (encode::join(&root, token)?, true),
            None => {
                let path = text(&self.path)?.unwrap_or_default();
                (encode::join(&root, path.trim_start_matches('/'))?, tells(&self.path))
            }
        };
        let home = if root_is_told { None } else { encode::join(&root, "").ok() };
        let origin = match home {
            // A path leads to another host when it is a whole address.
            Some(home) if path_is_told && home.host() != address.host() => Origin::Told(Some(home)),
            None if root_is_told => Origin::Told(None),
            _ => Origin::Own,
        };
        Ok((address, origin))
    }
}

fn object(value: Json, field: &str) -> Result<Map> {
    match value {
        Json::Object(fields) => Ok(fields),
        Json::Null => Ok(Map::new()),
        Json::String(text) if text.is_empty() => Ok(Map::new()),
        _ => Err(Error::new(
            ErrorKind::Config,
            format!("`{field}` of the connector's manifest did not become an object."),
        )),
    }
}
