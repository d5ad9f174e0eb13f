//! `ui/src/api/generated.ts` is what the table says. `cargo xtask codegen` writes it.

use std::path::Path;

#[test]
fn the_generated_types_are_fresh() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../ui/src/api/generated.ts");
    let wanted = syncline_api::typescript();
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default().replace("\r\n", "\n");
    assert!(found == wanted, "ui/src/api/generated.ts is out of date: run `cargo xtask codegen`");
}
