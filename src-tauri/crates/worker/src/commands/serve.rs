//! `syncline serve`: the studio in a browser of this computer.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::pin::pin;
use std::process::{Command, Stdio};
use std::sync::Arc;

use syncline_api::Api;
use syncline_protocol::{Error, ErrorKind, Result};
use syncline_store::Project;
use syncline_worker::Opened;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::app::Surroundings;
use crate::cli::Serve;
use crate::commands::run::Interrupts;
use crate::exit::Exit;
use crate::screen::{Screen, Tone, paint};

mod files;
mod guard;
mod server;

use guard::Guard;

/// The folder of the project that is made when there is none.
const NEW_PROJECT: &str = "syncline-studio";

pub(crate) fn run(surroundings: &Surroundings<'_>, arguments: &Serve) -> Result<Exit> {
    let Surroundings { screen, runtime, global } = *surroundings;
    let project = open_project(screen, global.project.as_deref())?;
    let folder = project.root().display().to_string();
    runtime.block_on(async {
        let opened = Opened::open(project, global.verbose, screen.redaction.clone(), |_| {})?;
        let listener = listen(arguments.port).await?;
        let address = listener.local_addr().map_err(|error| no_port(arguments.port, error))?;
        let guard = Guard::new(address.port())?;
        let url = guard.entrance();
        screen.print(format!(
            "{}\n  {url}\n\nThe address lets one browser in, once. The project is {folder}.\nPress Ctrl-C to stop.",
            paint(Tone::Strong, "The studio is open at")
        ));
        if !arguments.no_open && !open_browser(&url) {
            screen.say("The browser could not be opened; copy the address into it.");
        }
        let mut interrupts = Interrupts::listen()
            .map_err(|error| Error::internal("Signals cannot be received.").caused_by(error))?;
        let over = CancellationToken::new();
        let mut served = pin!(server::serve(listener, Arc::clone(&opened), Arc::new(guard), over.clone()));
        tokio::select! {
            ended = &mut served => return ended,
            () = interrupts.next() => {}
        }
        // Windows are answered until the last sync has stopped: they show how it ends.
        let api = opened.api();
        tokio::select! {
            ended = &mut served => return ended,
            () = end(screen, &api, &mut interrupts) => {}
        }
        over.cancel();
        served.await
    })?;
    Ok(Exit::Ok)
}

/// Lets running syncs reach a durable point; a second signal ends them at once.
async fn end(screen: &Screen, api: &Api, interrupts: &mut Interrupts) {
    if api.is_running() {
        screen.say("\nStopping running syncs at their next durable point. Press Ctrl-C again to stop now.");
    }
    tokio::select! {
        () = api.drain() => {}
        () = interrupts.next() => {
            screen.say("\nStopping now. What is not durable is dropped; the next run reads it again.");
            api.stop_now();
            api.drain().await;
        }
    }
}

fn open_project(screen: &Screen, folder: Option<&Path>) -> Result<Project> {
    if let Some(folder) = folder {
        return Project::open(folder);
    }
    match Project::find(Path::new(".")) {
        Ok(project) => Ok(project),
        Err(_) if Path::new(NEW_PROJECT).join("project.yaml").is_file() => {
            Project::open(Path::new(NEW_PROJECT))
        }
        // A project that is there and wrong is not passed over.
        Err(error) if error.message().starts_with("There is no Syncline project") => {
            let project = Project::init(Path::new(NEW_PROJECT), "Studio")?;
            screen.say(format!("Made a project in {}.", project.root().display()));
            Ok(project)
        }
        Err(error) => Err(error),
    }
}

/// Listens on the loopback interface only, whatever the port.
async fn listen(port: u16) -> Result<TcpListener> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpListener::bind(address).await.map_err(|error| no_port(port, error))
}

fn no_port(port: u16, error: std::io::Error) -> Error {
    let (kind, message) = match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            (ErrorKind::Locked, format!("Another program listens on port {port} already."))
        }
        _ => (ErrorKind::Permission, format!("Port {port} cannot be used.")),
    };
    Error::new(kind, message)
        .meaning("The studio was not opened.")
        .fix("Choose another port, or leave --port out to take a free one.")
        .caused_by(error)
}

/// Hands the address to the browser. The token in it is worth nothing once the browser has used it.
fn open_browser(url: &str) -> bool {
    let (program, arguments): (&str, &[&str]) = match () {
        () if cfg!(target_os = "macos") => ("open", &[]),
        () if cfg!(windows) => ("rundll32", &["url.dll,FileProtocolHandler"]),
        () => {
            // Without a display `xdg-open` may take over the terminal with a text browser.
            let has_display =
                ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
            if !has_display {
                return false;
            }
            ("xdg-open", &[])
        }
    };
    let mut command = Command::new(program);
    command.args(arguments).arg(url);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().is_ok()
}
