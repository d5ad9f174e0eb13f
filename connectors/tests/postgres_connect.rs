//! Ways to a Postgres: the connection test, TLS, SSH.

use serde_json::{Value, json};
use syncline_protocol::{CheckOutcome, CheckStep, DiscoverFilter, ErrorKind, StepSink};

use crate::postgres_source::{full, sync};
use crate::support::{Database, source, start};

#[derive(Default)]
struct Steps(std::sync::Mutex<Vec<CheckStep>>);

impl StepSink for Steps {
    fn step(&self, step: CheckStep) {
        self.0.lock().unwrap().push(step);
    }
}

async fn check(config: Value) -> Vec<CheckStep> {
    let steps = Steps::default();
    source(config).check(&steps).await;
    steps.0.into_inner().unwrap()
}

#[tokio::test]
async fn the_connection_test_tells_what_to_do() {
    let database = Database::new("check").await;
    database
        .run(
            "CREATE TABLE open (id int); CREATE SCHEMA hr; CREATE TABLE hr.\"Pay\" (id int);
              CREATE ROLE limited LOGIN; GRANT SELECT ON open TO limited",
        )
        .await;
    let mut config = database.config();
    config["user"] = json!("limited");
    let steps = check(config.clone()).await;
    let titles: Vec<_> = steps.iter().map(|step| step.title.as_str()).collect();
    assert_eq!(titles[0], "Find 127.0.0.1");
    assert!(titles.contains(&"Sign in as limited"), "{titles:?}");
    assert_eq!(CheckOutcome::of(&steps), CheckOutcome::ReadyWithLimits);
    let permissions = steps.last().unwrap();
    assert_eq!(permissions.detail.as_deref(), Some("1 of 2 tables can be read; not hr.Pay"));
    assert_eq!(
        permissions.fixes[0].command.as_deref(),
        Some("GRANT USAGE ON SCHEMA \"hr\" TO \"limited\";\nGRANT SELECT ON \"hr\".\"Pay\" TO \"limited\";")
    );
    // What it says to run is what it takes.
    database.run(permissions.fixes[0].command.as_deref().unwrap()).await;
    let steps = check(config.clone()).await;
    assert_eq!(steps.last().unwrap().detail.as_deref(), Some("2 tables can be read, 0 of them views"));

    let failing = |field: &str, value: Value| {
        let mut config = database.config();
        config[field] = value;
        async move { check(config).await.pop().unwrap() }
    };
    let step = failing("host", json!("no-such-host.invalid")).await;
    assert_eq!(step.detail.as_deref(), Some("There is no server called no-such-host.invalid."));
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let step = failing("port", json!(free)).await;
    assert!(step.detail.unwrap().contains("nothing listens on port"), "{:?}", step.title);
    let step = failing("database", json!("nope")).await;
    assert_eq!(step.detail.as_deref(), Some("There is no database called `nope` on 127.0.0.1."));
    let step = failing("user", json!("nobody")).await;
    assert_eq!(step.title, "Sign in as nobody");
}

fn openssl(folder: &std::path::Path, arguments: &str) {
    let mut command = std::process::Command::new("openssl");
    command.args(arguments.split(' ')).current_dir(folder);
    assert!(command.output().unwrap().status.success(), "openssl {arguments}");
}

#[tokio::test]
async fn each_tls_mode_verifies_what_it_says() {
    let certificates = tempfile::tempdir().unwrap();
    let folder = certificates.path().to_owned();
    openssl(
        &folder,
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 30 -subj /CN=Test-CA",
    );
    openssl(
        &folder,
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.key -out other.pem -days 30 -subj /CN=Other-CA",
    );
    for (name, subject) in [("server", "DNS:localhost"), ("client", "DNS:tls_user")] {
        openssl(
            &folder,
            &format!(
                "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key -out {name}.csr -subj /CN={}",
                &subject[4..]
            ),
        );
        std::fs::write(folder.join("extensions"), format!("subjectAltName={subject}\n")).unwrap();
        openssl(
            &folder,
            &format!(
                "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out {name}.pem -days 30 -extfile extensions"
            ),
        );
    }
    let from = folder.clone();
    let server = tokio::task::spawn_blocking(move || {
        start("tls", move |data| {
            for file in ["server.key", "server.pem", "ca.pem"] {
                std::fs::copy(from.join(file), data.join(file)).unwrap();
                let path = data.join(file);
                std::process::Command::new("chown").arg("postgres").arg(&path).status().unwrap();
                std::process::Command::new("chmod").arg("600").arg(&path).status().unwrap();
            }
            let path = data.join("postgresql.conf");
            let settings = std::fs::read_to_string(&path).unwrap();
            std::fs::write(&path, format!("{settings}\nssl=on\nssl_cert_file='server.pem'\nssl_key_file='server.key'\nssl_ca_file='ca.pem'\n")).unwrap();
            std::fs::write(
                data.join("pg_hba.conf"),
                "hostssl all tls_user all cert\nhost all scram_user all scram-sha-256\nhost all all all trust\n",
            )
            .unwrap();
        })
    })
    .await
    .unwrap();
    let admin = crate::support::connect(server.port, "postgres").await;
    admin
        .batch_execute("CREATE ROLE tls_user LOGIN; SET password_encryption = 'scram-sha-256'; CREATE ROLE scram_user LOGIN PASSWORD 'geheim'")
        .await
        .unwrap();
    let path = |file: &str| folder.join(file).to_string_lossy().into_owned();
    let try_mode = |host: &str, user: &str, password: Option<&str>, ssl: Value| {
        let config = json!({"host": host, "port": server.port, "database": "postgres", "user": user, "ssl": ssl, "password": password});
        async move {
            source(config).discover(&DiscoverFilter::default()).await.map(drop).map_err(|error| error.kind())
        }
    };
    let (ca, other) = (path("ca.pem"), path("other.pem"));
    for (host, ssl, expected) in [
        ("localhost", json!({"mode": "disable"}), Ok(())),
        ("localhost", json!({"mode": "prefer"}), Ok(())),
        ("localhost", json!({"mode": "require"}), Ok(())),
        ("localhost", json!({"mode": "require", "ca": other}), Err(ErrorKind::Tls)),
        ("localhost", json!({"mode": "verify_ca", "ca": ca}), Ok(())),
        ("127.0.0.1", json!({"mode": "verify_ca", "ca": ca}), Ok(())),
        ("localhost", json!({"mode": "verify_ca", "ca": other}), Err(ErrorKind::Tls)),
        ("localhost", json!({"mode": "verify_full", "ca": ca}), Ok(())),
        ("127.0.0.1", json!({"mode": "verify_full", "ca": ca}), Err(ErrorKind::Tls)),
        ("localhost", json!({"mode": "verify_full", "ca": path("server.pem")}), Ok(())),
        ("127.0.0.1", json!({"mode": "verify_full", "ca": path("server.pem")}), Err(ErrorKind::Tls)),
        ("localhost", json!({"mode": "verify_full", "ca": path("nothing.pem")}), Err(ErrorKind::Config)),
    ] {
        assert_eq!(try_mode(host, "postgres", None, ssl.clone()).await, expected, "{host} {ssl}");
    }
    let with_client = json!({"mode": "verify_full", "ca": ca, "certificate": path("client.pem"), "key": path("client.key")});
    assert_eq!(try_mode("localhost", "tls_user", None, with_client).await, Ok(()));
    let refused = try_mode("localhost", "tls_user", None, json!({"mode": "require"})).await;
    assert_eq!(refused, Err(ErrorKind::Authentication));
    // Passwords, with channel binding over TLS and without.
    for mode in ["require", "disable"] {
        assert_eq!(try_mode("localhost", "scram_user", Some("geheim"), json!({"mode": mode})).await, Ok(()));
        let wrong = try_mode("localhost", "scram_user", Some("falsch"), json!({"mode": mode})).await;
        assert_eq!(wrong, Err(ErrorKind::Authentication));
    }
    assert_eq!(try_mode("localhost", "scram_user", None, json!({})).await, Err(ErrorKind::Authentication));
    // Reading and cancelling work over TLS as well.
    let config = json!({"host": "localhost", "port": server.port, "database": "postgres", "user": "postgres",
        "ssl": {"mode": "verify_full", "ca": ca}});
    admin.batch_execute("CREATE TABLE t AS SELECT i AS id FROM generate_series(1, 100000) i").await.unwrap();
    let over_tls = source(config);
    let read = full(&*over_tls, "public.t").await;
    assert_eq!(sync(&*over_tls, &read, None).await.0.row_count(), 100_000);
    // The shared server has no TLS at all.
    let database = Database::new("plain").await;
    let mut config = database.config();
    config["ssl"] = json!({"mode": "require"});
    let error = source(config).discover(&DiscoverFilter::default()).await.unwrap_err();
    assert_eq!(error.message(), "The server does not offer encrypted connections.");
}

/// A real sshd that lets the current user in with the key in `folder`; ends when dropped.
struct Sshd(std::process::Child);

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = std::process::Command::new(program).args(arguments).output().unwrap_or_else(|error| {
        panic!("{program} (Debian: openssh-server, openssh-client): {error}");
    });
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

async fn start_sshd(folder: &std::path::Path) -> (Sshd, u16) {
    let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
    for (name, passphrase) in [("host", ""), ("user", ""), ("locked", "geheim"), ("stranger", "")] {
        run("ssh-keygen", &["-q", "-t", "ed25519", "-N", passphrase, "-f", &path(name)]);
    }
    let keys = ["user.pub", "locked.pub"].map(|name| std::fs::read_to_string(folder.join(name)).unwrap());
    std::fs::write(folder.join("authorized"), keys.concat()).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings = format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\n\
         StrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\nAllowTcpForwarding yes\n",
        path("host"),
        path("authorized")
    );
    std::fs::write(folder.join("config"), settings).unwrap();
    std::fs::create_dir_all("/run/sshd").ok();
    let sshd = std::process::Command::new("/usr/sbin/sshd")
        .args(["-D", "-e", "-f", &path("config")])
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("/usr/sbin/sshd (Debian: openssh-server)");
    let sshd = Sshd(sshd);
    while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        tokio::task::yield_now().await;
    }
    (sshd, port)
}

#[tokio::test]
async fn an_ssh_server_leads_to_the_database_once_its_key_is_trusted() {
    let database = Database::new("ssh").await;
    database
        .run("CREATE TABLE t AS SELECT i AS id, repeat('x', 100) AS s FROM generate_series(1, 50000) i")
        .await;
    let folder = tempfile::tempdir().unwrap();
    let (_sshd, port) = start_sshd(folder.path()).await;
    let key = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let user = run("id", &["-un"]);
    let config = |ssh: Value| {
        let mut config = database.config();
        config["ssh"] = json!({"host": "127.0.0.1", "port": port, "user": user});
        for (name, value) in ssh.as_object().unwrap() {
            config["ssh"][name] = value.clone();
        }
        config
    };
    let fails = |ssh: Value| {
        let source = source(config(ssh));
        async move { source.discover(&DiscoverFilter::default()).await.unwrap_err() }
    };
    let unseen = fails(json!({"private_key": key("user")})).await;
    assert_eq!(unseen.kind(), ErrorKind::HostKey);
    let host = folder.path().join("host.pub");
    let listed = run("ssh-keygen", &["-lf", &host.to_string_lossy()]);
    let fingerprint = listed.split(' ').nth(1).unwrap();
    assert!(unseen.message().contains(fingerprint), "{} / {fingerprint}", unseen.message());

    let through = source(config(json!({"private_key": key("user"), "host_key": fingerprint})));
    let read = full(&*through, "public.t").await;
    assert_eq!(sync(&*through, &read, None).await.0.row_count(), 50_000);
    let locked = json!({"private_key": key("locked"), "passphrase": "geheim", "host_key": fingerprint});
    assert!(source(config(locked)).discover(&DiscoverFilter::default()).await.is_ok());
    for (ssh, expected) in [
        (json!({"private_key": key("user"), "host_key": "SHA256:another"}), ErrorKind::HostKey),
        (json!({"private_key": key("stranger"), "host_key": fingerprint}), ErrorKind::Authentication),
        (
            json!({"private_key": key("locked"), "passphrase": "falsch", "host_key": fingerprint}),
            ErrorKind::Config,
        ),
        (json!({"private_key": "no key", "host_key": fingerprint}), ErrorKind::Config),
        (json!({"password": "nope", "host_key": fingerprint}), ErrorKind::Authentication),
    ] {
        assert_eq!(fails(ssh).await.kind(), expected);
    }
    let steps = check(config(json!({"private_key": key("user"), "host_key": fingerprint}))).await;
    assert!(steps.iter().any(|step| step.title.starts_with("Sign in to the SSH server")), "{steps:?}");
    assert_ne!(CheckOutcome::of(&steps), CheckOutcome::NotReady);
}
