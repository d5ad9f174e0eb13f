"""Resolves manifests with the reference: references, types, parameters. Prints a hash of each resolved tree.

    python resolve.py FOLDER > ../../manifest/tests/resolved.json
"""

import hashlib
import json
import pathlib
import sys

import yaml
from airbyte_cdk.sources.declarative.parsers.manifest_component_transformer import ManifestComponentTransformer
from airbyte_cdk.sources.declarative.parsers.manifest_reference_resolver import ManifestReferenceResolver



def comparable(value):
    """Numbers with a point as text: every language writes them differently."""
    if isinstance(value, dict):
        return {key: comparable(field) for key, field in value.items()}
    if isinstance(value, list):
        return [comparable(item) for item in value]
    return repr(value) if isinstance(value, float) else value


hashes = {}
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.yaml")):
    manifest = yaml.safe_load(path.read_text())
    manifest.setdefault("type", "DeclarativeSource")
    resolved = ManifestReferenceResolver().preprocess_manifest(manifest)
    whole = ManifestComponentTransformer().propagate_types_and_parameters("", resolved, {})
    text = json.dumps(comparable(whole), sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    hashes[path.stem] = hashlib.sha256(text.encode()).hexdigest()[:16]
    if len(sys.argv) > 2:
        pathlib.Path(sys.argv[2], path.stem + ".json").write_text(text)
print(json.dumps(hashes, indent=0))
