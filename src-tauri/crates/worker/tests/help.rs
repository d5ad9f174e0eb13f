use crate::support::Shell;

/// Help as it is, with the width that tests have.
fn help(arguments: &[&str]) -> String {
    let shell = Shell::new();
    shell.ok(arguments).lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_manual() {
    insta::assert_snapshot!("help", help(&["--help"]));
}

#[test]
fn commands_explain_themselves() {
    for command in [
        vec!["init"],
        vec!["add", "source"],
        vec!["add", "connection"],
        vec!["check"],
        vec!["discover"],
        vec!["preview"],
        vec!["plan"],
        vec!["run"],
        vec!["accept"],
        vec!["status"],
        vec!["receipt"],
        vec!["quarantine", "list"],
        vec!["quarantine", "replay"],
        vec!["secret", "set"],
        vec!["connector", "add"],
        vec!["connector", "test"],
        vec!["state", "import"],
        vec!["schema"],
        vec!["demo"],
        vec!["completions"],
    ] {
        let name = format!("help-{}", command.join("-"));
        let mut arguments = command;
        arguments.push("--help");
        insta::assert_snapshot!(name, help(&arguments));
    }
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    let shell = Shell::new();
    for arguments in
        [&["nonsense"][..], &["run"], &["run", "a", "--attempts", "0"], &["add", "source", "x", "--set", "y"]]
    {
        let said = shell.run(arguments);
        assert_eq!(said.code, 2, "{arguments:?}");
        assert!(said.err.contains("Usage") || said.err.contains("--help"), "{}", said.err);
    }
}

#[test]
fn completions_are_scripts() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(help(&["completions", shell]).contains("syncline"));
    }
}
