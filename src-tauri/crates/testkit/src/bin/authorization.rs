//! A service that people sign in to with a browser, for the journeys of the window. Says in one JSON line how it is reached,
//! and ends with its input.

#![allow(clippy::print_stdout)] // how it answers

use std::io::{Read as _, stdin};

use anyhow::Result;
use serde_json::json;
use syncline_testkit::authorization::{AuthorizationServer, CLIENT, REFRESH_TOKEN, SECRET};

#[tokio::main]
async fn main() -> Result<()> {
    let server = AuthorizationServer::start().await?;
    let told = json!({
        "url": server.url(), "manifest": server.manifest(), "client": CLIENT, "secret": SECRET, "refresh_token": REFRESH_TOKEN,
    });
    println!("{told}");
    tokio::task::spawn_blocking(|| stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}
