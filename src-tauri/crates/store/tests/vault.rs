use std::fs;
use std::path::Path;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use syncline_protocol::ErrorKind;
use syncline_store::secrets::{VaultAndEnv, resolve};
use syncline_store::vault::{
    EnvKey, KeyFile, KeyProvider, Keychain, MASTER_KEY_FILE_VARIABLE, MASTER_KEY_VARIABLE, choose,
};
use syncline_store::{MasterKey, State, Vault};

use crate::project::project;

const CANARY: &str = "canary-4711-geheim";

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

fn env_key(key: &MasterKey) -> Box<dyn KeyProvider> {
    Box::new(EnvKey::new(key.to_base64()))
}

fn holds(folder: &Path, needle: &str) -> bool {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).any(|path| {
        if path.is_dir() {
            return holds(&path, needle);
        }
        let bytes = fs::read(&path).unwrap();
        bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
    })
}

#[test]
fn a_secret_comes_back_and_is_nowhere_to_be_seen() {
    let (folder, project) = project();
    let state = State::open(&project.state_path()).unwrap();
    let key = MasterKey::random().unwrap();
    let vault = Vault::new(&state, env_key(&key));
    assert!(vault.get("pg").unwrap().is_none());
    vault.set("pg", &secret("old"), Timestamp::UNIX_EPOCH).unwrap();
    vault.set("pg", &secret(CANARY), Timestamp::UNIX_EPOCH).unwrap();
    vault.set("empty", &secret(""), Timestamp::UNIX_EPOCH).unwrap();

    let again = Vault::new(&state, env_key(&key));
    assert_eq!(again.get("pg").unwrap().unwrap().expose_secret(), CANARY);
    assert_eq!(again.get("empty").unwrap().unwrap().expose_secret(), "");
    assert_eq!(again.names().unwrap(), ["empty", "pg"]);
    assert_eq!(again.all().unwrap().len(), 2);

    // Database, journal and all: while it is open, when the write-ahead log is full of it.
    assert!(!holds(folder.path(), CANARY));
    assert!(!holds(folder.path(), key.to_base64().expose_secret()));
    assert!(!format!("{vault:?} {key:?} {state:?}").contains(key.to_base64().expose_secret()));

    let lookup = VaultAndEnv { vault: Some(&again), env: &|_| None };
    let resolved = resolve(&json!({"password": "${secret:pg}"}), &json!({}), &lookup).unwrap();
    assert!(!format!("{resolved:?}").contains("canary"));
    assert_eq!(
        resolved.redactor().redact("password canary-4711-geheim refused"),
        "password [secret] refused"
    );
    assert_eq!(resolved.into_config()["password"], CANARY);

    assert!(again.remove("pg").unwrap());
    assert!(!again.remove("pg").unwrap());
}

#[test]
fn a_wrong_key_opens_nothing_and_stores_nothing() {
    let (_folder, project) = project();
    let state = State::open(&project.state_path()).unwrap();
    let right = MasterKey::random().unwrap();
    Vault::new(&state, env_key(&right)).set("pg", &secret(CANARY), Timestamp::UNIX_EPOCH).unwrap();

    let wrong = Vault::new(&state, env_key(&MasterKey::random().unwrap()));
    for error in
        [wrong.get("pg").unwrap_err(), wrong.set("x", &secret("y"), Timestamp::UNIX_EPOCH).unwrap_err()]
    {
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().contains("does not open the vault"), "{error}");
        assert!(!format!("{error:?}").contains("canary"));
    }
    assert_eq!(state_names(&wrong), ["pg"]);

    assert_eq!(wrong.clear().unwrap(), 1, "when the key is lost, one can begin anew");
    wrong.set("x", &secret("y"), Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(wrong.get("x").unwrap().unwrap().expose_secret(), "y");
}

fn state_names(vault: &Vault<'_>) -> Vec<String> {
    vault.names().unwrap()
}

#[test]
fn tampering_is_noticed() {
    let (_folder, project) = project();
    let key = MasterKey::random().unwrap();
    let tamper = |sql: &str| {
        let state = State::open(&project.state_path()).unwrap();
        let vault = Vault::new(&state, env_key(&key));
        for name in ["a", "b"] {
            vault.set(name, &secret(&format!("{CANARY}-{name}")), Timestamp::UNIX_EPOCH).unwrap();
        }
        let raw = rusqlite::Connection::open(project.state_path()).unwrap();
        raw.execute_batch(sql).unwrap();
        let error = vault.get("a").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CorruptInput, "{sql}");
        assert!(!format!("{error:?}").contains("canary"));
    };
    tamper(
        "UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE name = 'b'), nonce = (SELECT nonce FROM secrets WHERE name = 'b') WHERE name = 'a'",
    );
    tamper("UPDATE secrets SET sealed = x'00' WHERE name = 'a'");
    tamper("UPDATE secrets SET nonce = x'0011' WHERE name = 'a'");
    tamper("UPDATE secrets SET sealed = CAST(sealed || x'00' AS BLOB) WHERE name = 'a'");
}

#[test]
fn the_environment_chooses_the_place_of_the_key() {
    let place = |variables: &[(&str, &str)]| {
        let env = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        choose(&env, "v1").map(|provider| provider.place())
    };
    assert_eq!(place(&[]).unwrap(), "the keychain of this computer");
    assert_eq!(place(&[(MASTER_KEY_VARIABLE, "")]).unwrap(), "the keychain of this computer");
    assert_eq!(place(&[(MASTER_KEY_VARIABLE, "x")]).unwrap(), "the environment variable SYNCLINE_MASTER_KEY");
    assert_eq!(place(&[(MASTER_KEY_FILE_VARIABLE, "/k")]).unwrap(), "the file `/k`");
    let both = [(MASTER_KEY_VARIABLE, "x"), (MASTER_KEY_FILE_VARIABLE, "/k")];
    assert_eq!(place(&both).unwrap_err().kind(), ErrorKind::Config);
    for text in ["", "short", "!!!", "AAAA"] {
        let error = EnvKey::new(secret(text)).load().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
    }
}

#[test]
fn a_key_file_is_made_once_and_kept_private() {
    let (folder, project) = project();
    let state = State::open(&project.state_path()).unwrap();
    let path = folder.path().join("master.key");
    let provider = || Box::new(KeyFile::new(path.clone()));
    Vault::new(&state, provider()).set("pg", &secret(CANARY), Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(Vault::new(&state, provider()).get("pg").unwrap().unwrap().expose_secret(), CANARY);
    let other = MasterKey::random().unwrap();
    assert!(provider().store(&other).is_err(), "a key that exists is never overwritten");

    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = Vault::new(&state, provider()).get("pg").unwrap_err();
        assert!(error.fixes()[0].starts_with("Run `chmod 600 "), "{error:?}");
    }

    fs::remove_file(&path).unwrap();
    let error = Vault::new(&state, provider()).get("pg").unwrap_err();
    assert!(error.message().starts_with("The vault holds secrets, but there is no master key in the file"));
    assert!(!path.exists(), "a lost key is not replaced by a new one");
}

#[test]
fn two_programs_that_begin_at_once_end_up_with_one_key() {
    let (folder, project) = project();
    let path = folder.path().join("master.key");
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|n| {
                let (path, state_path) = (path.clone(), project.state_path());
                scope.spawn(move || {
                    let state = State::open(&state_path).unwrap();
                    let vault = Vault::new(&state, Box::new(KeyFile::new(path)));
                    vault.set(&format!("s{n}"), &secret("x"), Timestamp::UNIX_EPOCH).is_ok().then_some(n)
                })
            })
            .collect();
        threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(!results.is_empty());
    let state = State::open(&project.state_path()).unwrap();
    let vault = Vault::new(&state, Box::new(KeyFile::new(path)));
    for n in results {
        assert_eq!(vault.get(&format!("s{n}")).unwrap().unwrap().expose_secret(), "x");
    }
}

/// Runs against the real Secret Service where one can be had: alone in a session of its own.
#[test]
fn the_keychain_keeps_the_key() {
    if std::env::var_os("SYNCLINE_TEST_KEYCHAIN").is_some() {
        let (_folder, project) = project();
        let state = State::open(&project.state_path()).unwrap();
        let env = |_: &str| None;
        Vault::from_env(&state, &env).unwrap().set("pg", &secret(CANARY), Timestamp::UNIX_EPOCH).unwrap();
        let vault = Vault::from_env(&state, &env).unwrap();
        assert_eq!(vault.get("pg").unwrap().unwrap().expose_secret(), CANARY);
        return;
    }
    #[cfg(target_os = "linux")]
    {
        let installed = |program: &str| {
            std::process::Command::new("sh")
                .args(["-c", &format!("command -v {program} >/dev/null")])
                .status()
        };
        for program in ["dbus-run-session", "gnome-keyring-daemon"] {
            if !installed(program).is_ok_and(|status| status.success()) {
                println!("skipped: {program} is not installed");
                return;
            }
        }
        let home = tempfile::tempdir().unwrap();
        let script = "printf test | gnome-keyring-daemon --unlock --components=secrets >/dev/null && \
                      \"$0\" --exact vault::the_keychain_keeps_the_key --nocapture";
        let status = std::process::Command::new("dbus-run-session")
            .args(["--", "sh", "-c", script])
            .arg(std::env::current_exe().unwrap())
            .env("SYNCLINE_TEST_KEYCHAIN", "1")
            .env("HOME", home.path())
            .env("XDG_DATA_HOME", home.path())
            .env("XDG_RUNTIME_DIR", home.path())
            .env_remove(MASTER_KEY_VARIABLE)
            .env_remove(MASTER_KEY_FILE_VARIABLE)
            .status()
            .unwrap();
        assert!(status.success());
    }
}

#[test]
fn without_a_keychain_the_error_says_what_to_do() {
    if std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some() || !cfg!(target_os = "linux") {
        println!("skipped: this session may have a keychain");
        return;
    }
    let error = Keychain::new("v1").load().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.fixes().iter().any(|fix| fix.contains(MASTER_KEY_FILE_VARIABLE)), "{error:?}");
}
