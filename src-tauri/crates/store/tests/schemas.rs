//! The committed JSON Schemas are those of the types. `UPDATE_SCHEMAS=1 cargo test -p syncline-store schemas` writes
//! them anew.

use std::path::Path;

use syncline_store::schemas::{render, schemas};

#[test]
fn committed_schemas_are_fresh() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    for (name, schema) in schemas() {
        let path = folder.join(name);
        let fresh = render(&schema);
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &fresh).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default().replace('\r', "");
        assert_eq!(committed, fresh, "{name} is stale; run the test with UPDATE_SCHEMAS=1");
    }
}
