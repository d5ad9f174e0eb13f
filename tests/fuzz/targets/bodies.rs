//! Bodies of APIs in all their packings: any bytes end in elements or in a sentence about what is wrong with them.

#![no_main]

use std::sync::{Arc, LazyLock};

use futures::StreamExt as _;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use syncline_manifest::context::Compatibility;
use syncline_manifest::document::Document;
use syncline_manifest::http::client::{Body, Client, Limits};
use syncline_manifest::http::{Action, Decoder, Response};
use syncline_manifest::{Node, Run};

fn decoders() -> Vec<Decoder> {
    let kinds = ["JsonDecoder", "JsonlDecoder", "IterableDecoder", "CsvDecoder", "XmlDecoder"];
    let plain: Vec<Value> = kinds.iter().map(|kind| json!({"type": kind})).collect();
    let packed = |kind: &'static str| {
        plain[..4].iter().map(move |inner| json!({"type": kind, "decoder": inner})).collect::<Vec<_>>()
    };
    let utf16 = json!({"type": "CsvDecoder", "encoding": "utf-16", "set_values_to_none": [""]});
    let all: Vec<Value> =
        plain.iter().cloned().chain(packed("GzipDecoder")).chain(packed("ZipfileDecoder")).chain([utf16]).collect();
    let document = Document::parse(&json!({"streams": all}).to_string()).expect("a manifest");
    let streams = Node::root(&document).list("streams");
    streams.iter().map(|node| Decoder::new(node).expect("a decoder")).collect()
}

static DECODERS: LazyLock<Vec<Decoder>> = LazyLock::new(decoders);
static RUN: LazyLock<Arc<Run>> = LazyLock::new(|| {
    let client = Client::new(Limits::default()).expect("a client");
    Arc::new(Run::new(json!({}), client, Compatibility::Safe, || jiff::Timestamp::UNIX_EPOCH))
});
static RUNTIME: LazyLock<tokio::runtime::Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_current_thread().build().expect("a runtime"));

fuzz_target!(|data: &[u8]| {
    let Some((first, data)) = data.split_first() else { return };
    let decoder = &DECODERS[usize::from(*first) % DECODERS.len()];
    let response = Response {
        status: 200,
        headers: Vec::new(),
        url: "https://api.example.test/".to_owned(),
        action: Action::Success,
        ignored: false,
        body: Body::ready(data.to_vec().into()),
    };
    RUNTIME.block_on(async {
        let decoded = decoder.decode(&RUN, response, true).await;
        let Ok(mut decoded) = decoded.map_err(|error| assert!(!error.message().is_empty())) else { return };
        while let Some(batch) = decoded.elements.next().await {
            if let Err(error) = batch {
                assert!(!error.message().is_empty());
            }
        }
    });
});
