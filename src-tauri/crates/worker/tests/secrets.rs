use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use crate::support::{Said, Shell, said};

const CANARY: &str = "canary-4711-geheim";

/// A command that reads a secret from its input.
fn with_input(shell: &Shell, arguments: &[&str], input: &str) -> Said {
    let mut command = shell.command(arguments);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    said(child.wait_with_output().unwrap())
}

fn is_in_folder(folder: &Path, needle: &str) -> bool {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).any(|path| match path.is_dir() {
        true => is_in_folder(&path, needle),
        false => std::fs::read(&path).unwrap().windows(needle.len()).any(|bytes| bytes == needle.as_bytes()),
    })
}

#[test]
fn a_secret_is_stored_listed_and_removed_and_never_shown() {
    let shell = Shell::with_project();
    let stored = with_input(&shell, &["-vv", "secret", "set", "pg"], &format!("{CANARY}\n"));
    assert_eq!(stored.code, 0, "{}", stored.err);
    assert!(!stored.out.contains(CANARY) && !stored.err.contains(CANARY));
    assert_eq!(shell.ok(&["secret", "list"]), "pg\n");
    assert!(!is_in_folder(shell.path(), CANARY));
    shell.ok(&["secret", "remove", "pg"]);
    assert_eq!(shell.ok(&["secret", "list"]), "");
    insta::assert_snapshot!(shell.fails(&["secret", "remove", "pg"]), @r"
    exit 2
    ✗ There is no secret called `pg`.
      The others, named before it, were removed.
      1. List them with `syncline secret list`.
    ");
    assert_eq!(with_input(&shell, &["secret", "set", "pg"], "\n").code, 2);
    assert_eq!(with_input(&shell, &["secret", "set", "a b"], "x").code, 2);
}

#[test]
fn without_a_key_nothing_is_stored() {
    let mut shell = Shell::with_project();
    shell.set("SYNCLINE_MASTER_KEY", "");
    // No session bus: no Secret Service. On other systems the keychain would answer.
    if cfg!(target_os = "linux") {
        shell.set("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent");
        let said = with_input(&shell, &["secret", "set", "pg"], CANARY);
        assert_eq!(said.code, 2);
        insta::assert_snapshot!(said.err.trim_end(), @r"
    ✗ The keychain of this computer cannot be used, so secrets cannot be sealed.
      Nothing was stored. Secrets are never kept without a key.
      1. Unlock the keychain (on Linux: start the Secret Service, for example gnome-keyring).
      2. On a server: name a key file with SYNCLINE_MASTER_KEY_FILE=/path/to/file; it is made with the first secret.
      3. In a container: give the key in SYNCLINE_MASTER_KEY; make one with `openssl rand -base64 32`.
      Details: run it again with -v.
    ");
    }
    shell.set("SYNCLINE_MASTER_KEY", "AAAA");
    let said = with_input(&shell, &["secret", "set", "pg"], CANARY);
    insta::assert_snapshot!(said.err.trim_end(), @r"
    ✗ The master key in the environment variable SYNCLINE_MASTER_KEY is not a key.
      The vault stays closed; nothing was read or written.
      1. It must be 32 random bytes as base64. Make one with `openssl rand -base64 32`.
    ");
    assert!(!is_in_folder(shell.path(), CANARY));
}

#[test]
fn a_source_that_is_refused_leaves_the_vault_as_it_was() {
    let shell = Shell::with_project();
    let url = format!("postgres://me:{CANARY}@db.example.com/shop");
    // The connector refuses a certificate without its key.
    let refused =
        shell.run(&["add", "source", "shop", "--from-url", &url, "--set", "ssl.certificate=client.pem"]);
    assert_eq!(refused.code, 2, "{}", refused.err);
    assert_eq!(shell.ok(&["secret", "list"]), "");
    shell.ok(&["add", "source", "shop", "--from-url", &url]);
    assert_eq!(shell.ok(&["secret", "list"]), "shop_password\n");
}
