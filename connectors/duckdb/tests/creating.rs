//! A new file is whole or not there, whenever the program that makes it is killed.

use std::fs;

use syncline_protocol::*;

use crate::support::*;

/// The file that DuckDB makes by itself.
fn headers() -> Vec<u8> {
    let place = Place::new();
    drop(duckdb::Connection::open(place.file()).unwrap());
    fs::read(place.file()).unwrap()
}

async fn open(place: &Place) -> Result<()> {
    let opened = place.destination().open(&opening()).await?;
    opened.session.close().await;
    Ok(())
}

fn left_over(place: &Place) -> Vec<String> {
    let entries = fs::read_dir(place.folder.path()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != "studio.duckdb").collect()
}

#[tokio::test]
async fn what_a_killed_program_left_beside_the_file_is_no_hindrance() {
    let headers = headers();
    for left in [None, Some(0), Some(4096), Some(8192), Some(headers.len())] {
        let place = Place::new();
        if let Some(left) = left {
            let beside = place.folder.path().join(".studio.duckdb.new-killed");
            fs::create_dir(&beside).unwrap();
            fs::write(beside.join("studio.duckdb"), &headers[..left]).unwrap();
        }
        // The log of a file that somebody has removed.
        fs::write(place.folder.path().join("studio.duckdb.wal"), "rows of a file that is gone").unwrap();
        open(&place).await.unwrap();
        assert_eq!(place.ask("SELECT count(*)::text FROM _syncline_checkpoints"), [["1"]], "{left:?}");
        assert_eq!(left_over(&place), Vec::<String>::new(), "{left:?}");
    }
}

#[tokio::test]
async fn the_beginning_of_a_file_is_told_from_other_files_and_left_alone() {
    let headers = headers();
    let beginning = "only the beginning of a DuckDB file";
    let other = "not a DuckDB file";
    for (bytes, said) in [
        (&headers[..0], beginning),
        (&headers[..4096], beginning),
        (&headers[..8192], beginning),
        (b"to do: buy milk", other),
        (&[7; 20_000], other),
    ] {
        let place = Place::new();
        fs::write(place.file(), bytes).unwrap();
        let error = open(&place).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CorruptInput, "{error:?}");
        assert!(error.message().contains(said), "{} bytes: {error:?}", bytes.len());
        assert_eq!(fs::read(place.file()).unwrap(), bytes, "the file is somebody's");
    }
}

#[cfg(unix)]
mod killed {
    use std::process::{Command, Stdio};

    use super::*;

    const MAKE: &str = "SYNCLINE_TEST_MAKE";

    /// Not a test by itself: the program that is killed while it makes the file.
    #[tokio::test]
    async fn make_the_file() {
        let Some(folder) = std::env::var_os(MAKE) else { return };
        let _ = destination(std::path::Path::new(&folder)).open(&opening()).await;
    }

    /// A program that writes beyond its limit is killed with SIGXFSZ, so each header can be the one that is missing.
    #[tokio::test]
    async fn the_file_has_its_name_only_when_it_is_whole() {
        for headers in 0..3 {
            let place = Place::new();
            let blocks = headers * 4096 / 512;
            let status = Command::new("sh")
                .args(["-c", &format!("ulimit -c 0; ulimit -f {blocks}; exec \"$0\" \"$@\"")])
                .arg(std::env::current_exe().unwrap())
                .args(["creating::killed::make_the_file", "--exact", "--test-threads=1"])
                .env(MAKE, place.folder.path())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .unwrap();
            assert!(!status.success(), "nothing killed it at {headers} headers");
            assert!(!place.file().exists(), "{headers} headers have the name of the file");
            open(&place).await.unwrap();
            assert_eq!(left_over(&place), Vec::<String>::new(), "{headers} headers");
        }
    }
}
