"""Fingerprints of manifests as the reference resolves them, for `document` tests of the manifest interpreter.

    python resolve.py FOLDER_OF_MANIFESTS > ../../manifest/tests/resolved.csv

One line a manifest: its name, and the first 16 hex digits of the SHA-256 of its resolved tree as JSON with sorted keys.
`--dump FOLDER` writes the trees themselves too, to look into a difference. Needs `airbyte-cdk` 7.39.1.
"""

import hashlib
import json
import pathlib
import sys

from airbyte_cdk.sources.declarative.parsers.manifest_component_transformer import ManifestComponentTransformer
from airbyte_cdk.sources.declarative.parsers.manifest_reference_resolver import ManifestReferenceResolver
from airbyte_cdk.utils.yaml_loader import safe_load_yaml


def resolved(path):
    manifest = safe_load_yaml(path.read_text(encoding="utf-8"))
    manifest.setdefault("type", "DeclarativeSource")
    tree = ManifestReferenceResolver().preprocess_manifest(manifest)
    tree = ManifestComponentTransformer().propagate_types_and_parameters("", tree, {})
    return json.dumps(tree, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)


def main():
    folder = pathlib.Path(sys.argv[1])
    dump = pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 and sys.argv[2] == "--dump" else None
    for path in sorted(folder.glob("*.yaml")):
        text = resolved(path)
        print(f"{path.stem},{hashlib.sha256(text.encode()).hexdigest()[:16]}")
        if dump:
            (dump / f"{path.stem}.json").write_text(text, encoding="utf-8")


main()
