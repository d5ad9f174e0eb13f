//! Runs the binary and reads what it says.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A folder, and the binary that works in it.
pub(crate) struct Shell {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

/// What a command said, and how it ended.
pub(crate) struct Said {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) code: i32,
}

impl Shell {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        Shell { folder: tempfile::tempdir().unwrap(), variables: Vec::new() }
    }

    /// A folder with a project, whose vault has its key in a variable.
    pub(crate) fn with_project() -> Self {
        let mut shell = Shell::new();
        shell.set("SYNCLINE_MASTER_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=");
        shell.ok(&["init", "--name", "Test"]);
        shell
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_syncline"));
        command.args(arguments).current_dir(self.path()).stdin(Stdio::null());
        for variable in [
            "SYNCLINE_MASTER_KEY",
            "SYNCLINE_MASTER_KEY_FILE",
            "SYNCLINE_PROJECT",
            "SYNCLINE_LOG",
            "NO_COLOR",
        ] {
            command.env_remove(variable);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        said(self.command(arguments).output().unwrap())
    }

    /// A command that must succeed; returns its result.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert_eq!(said.code, 0, "{arguments:?}\n{}\n{}", said.out, said.err);
        said.out
    }

    /// A command that must fail; returns exit code and message, with the folder written as DIR.
    pub(crate) fn fails(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert_ne!(said.code, 0, "{arguments:?}\n{}", said.out);
        let folder = self.path().canonicalize().unwrap();
        let text = said.err.replace(&*folder.to_string_lossy(), "DIR");
        let text = text.replace(&*self.path().to_string_lossy(), "DIR").replace('\\', "/");
        format!("exit {}\n{}", said.code, text.trim_end())
    }

    pub(crate) fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.path().join(file)).unwrap()
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

pub(crate) fn said(output: Output) -> Said {
    Said {
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code().unwrap_or(-1),
    }
}
