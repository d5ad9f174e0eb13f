//! Project files: any text is a configuration or a sentence about what is wrong with it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use syncline_store::{Project, SystemKind};

fuzz_target!(|data: &[u8]| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let Ok(project) = Project::init(folder.path(), "fuzz") else { return };
    for file in ["sources/a.yaml", "destinations/a.yaml", "connections/a.yaml"] {
        let file = folder.path().join(file);
        std::fs::create_dir_all(file.parent().expect("a folder around it")).expect("a folder");
        std::fs::write(file, data).expect("a file");
    }
    if let Err(error) = project.system(SystemKind::Source, "a") {
        assert!(!error.message().is_empty());
    }
    let _ = project.system(SystemKind::Destination, "a");
    // What was read can be written, and is then read as the same.
    if let Ok(connection) = project.connection("a") {
        project.save_connection("b", &connection).expect("a connection that was read can be written");
        assert_eq!(project.connection("b").expect("what was written can be read"), connection);
    }
    std::fs::write(folder.path().join("project.yaml"), data).expect("a file");
    let _ = Project::open(folder.path());
});
