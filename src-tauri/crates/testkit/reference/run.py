"""Runs manifests through the reference against APIs made up for them, and writes what it asked, got and said.

    python run.py --out FOLDER [--jobs N] [--timeout SECONDS] [--schemas FOLDER] MANIFEST[=CONFIG] ...

One file `NAME.json` for each manifest: see `Case` in the module `reference` of the testkit.
"""

import argparse
import datetime
import json
import logging
import multiprocessing
import os
import re
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

import api
import frozen
import plan
import values

HERE = Path(__file__).parent
FIRST = datetime.datetime(2024, 2, 20, 8, 30, 15, 250000, tzinfo=datetime.timezone.utc)
SECOND = FIRST + datetime.timedelta(days=9, hours=3)
SMALL_PAGE = 2


def prepared(text):
    """The manifest with all hosts replaced by the stub's, and small pages."""
    text = re.sub(r"https://(?!json-schema\.org)", api.BASE + "/", text)
    sizes = set(re.findall(r"page_size:\s*[\"']?(\d+)", text))
    text = re.sub(r"(page_size:\s*[\"']?)(\d+)", lambda found: found[1] + str(SMALL_PAGE), text)
    for size in sizes:
        text = re.sub(rf"(stop_condition:.*?)\b{size}\b", rf"\g<1>{SMALL_PAGE}", text)
    return text


def prepared_config(config, manifest):
    """The same for a configuration; windows of time are widened to some weeks."""
    address = r"(?:url_base|url|endpoint):\s*[\"']?\{\{\s*config(?:\[\\?[\"'](\w+)\\?[\"']\]|\.(\w+))"
    for name in {found[0] or found[1] for found in re.findall(address, manifest)}:
        if "://" not in str(config.get(name, "://")):
            config[name] = f"{api.BASE}/{config[name]}"
    text = json.dumps(config).replace("https://", api.BASE + "/").replace('"2025-', '"2024-')
    text = re.sub(r'("[a-z_]*end[a-z_]*": ")2024-01-01', r"\g<1>2024-02-10", text)
    return json.loads(text)


def streams_of(text, config, schemas):
    """Names of streams, their modes, and what is expected of their records."""
    from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource
    from airbyte_cdk.utils.yaml_loader import safe_load_yaml

    source = ConcurrentDeclarativeSource(
        config=config, catalog=None, state=[], source_config=safe_load_yaml(text), custom_components_trusted=False
    )
    expected = plan.of_manifest(source.resolved_manifest)
    for name, schema in schemas.items():
        expected.setdefault(name, plan.Expected()).schema = schema
    return source, expected


def command(arguments, out):
    """One command of the reference, its messages into a file."""
    from airbyte_cdk.cli.source_declarative_manifest._run import handle_command

    sys.stdout.flush()
    os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
    try:
        handle_command(arguments)
    except SystemExit:
        pass
    sys.stdout.flush()


def child(work, verb, now, schemas, seed):
    """Runs in a process of its own: one command against a fresh API."""
    work = Path(work)
    os.chdir(work)
    os.dup2(os.open(work / f"{verb}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    logging.disable(logging.CRITICAL)
    frozen.freeze(now)
    frozen.hurry()
    made = None
    try:
        text = (work / "manifest.yaml").read_text()
        config = json.loads((work / "config.json").read_text())
        source, expected = streams_of(text, config, schemas)
        made = api.Api(expected, source.resolved_manifest, seed)
        made.install()
        arguments = ["--config", "config.json", "--manifest-path", "manifest.yaml"]
        if verb != "discover":
            arguments += ["--catalog", f"{verb}.catalog.json"]
            if (work / f"{verb}.state.json").exists():
                arguments += ["--state", f"{verb}.state.json"]
        command([verb.split("-")[0], *arguments], work / f"{verb}.messages")
    except BaseException:
        traceback.print_exc()
    finally:
        exchanges = list(made.exchanges.values()) if made else []
        (work / f"{verb}.exchanges").write_text(json.dumps(exchanges))
        os._exit(0)


def finished(context, timeout, *arguments):
    """Runs `child`; false when it had to be stopped."""
    process = context.Process(target=child, args=arguments)
    process.start()
    process.join(timeout)
    if process.is_alive():
        process.kill()
        process.join()
        return False
    return True


def messages(path):
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            yield json.loads(line)
        except ValueError:
            continue


def discovered(work):
    """The streams of the catalog."""
    for message in messages(work / "discover.messages"):
        if message.get("type") == "CATALOG":
            return message["catalog"]["streams"]
    return None


def said(work, verb):
    """Records, last states and failures of a read, by stream."""
    result = {"records": {}, "states": {}, "failed": {}, "controls": []}
    for message in messages(work / f"{verb}.messages"):
        if message["type"] == "RECORD":
            record = message["record"]
            result["records"].setdefault(record["stream"], []).append(record["data"])
        elif message["type"] == "STATE":
            stream = message["state"]["stream"]
            result["states"][stream["stream_descriptor"]["name"]] = stream["stream_state"]
        elif message["type"] == "CONTROL":
            result["controls"].append(message["control"]["connectorConfig"]["config"])
        elif message["type"] == "TRACE" and message["trace"]["type"] == "ERROR":
            error = message["trace"]["error"]
            name = (error.get("stream_descriptor") or {}).get("name", "")
            result["failed"][name] = error.get("internal_message") or error.get("message")
    for config in result["controls"]:
        config.pop("__injected_declarative_manifest", None)
    return result


def read(context, work, verb, now, streams, states, timeout, seed):
    """One read of all streams."""
    catalog = [{"stream": {"name": stream["name"], "json_schema": {}, "supported_sync_modes": stream["modes"]},
                "sync_mode": stream["modes"][-1], "destination_sync_mode": "append"} for stream in streams]
    (work / f"{verb}.catalog.json").write_text(json.dumps({"streams": catalog}))
    state = [{"type": "STREAM", "stream": {"stream_descriptor": {"name": name}, "stream_state": state}}
             for name, state in states.items()]
    if state:
        (work / f"{verb}.state.json").write_text(json.dumps(state))
    schemas = {stream["name"]: stream["schema"] for stream in streams}
    ended = finished(context, timeout, str(work), verb, now, schemas, seed)
    path = work / f"{verb}.exchanges"
    exchanges = json.loads(path.read_text()) if path.exists() else []
    return ended, {
        "now": now.isoformat(), "streams": {stream["name"]: stream["modes"][-1] for stream in streams},
        "state": states, "exchanges": exchanges, **said(work, verb),
    }


def case(context, manifest, config_path, timeout, schemas=None):
    """Everything about one manifest."""
    name = manifest.stem
    text = prepared(manifest.read_text())
    given = json.loads(config_path.read_text()) if config_path else values.configuration(specification(text))
    config = values.repaired(prepared_config(given, text), specification(text))
    result = {"connector": name, "manifest": text, "config": config, "error": None, "runs": []}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "manifest.yaml").write_text(with_spec(text))
        if schemas and (schemas / name).is_dir():
            shutil.copytree(schemas / name, work / f"source_{name.replace('-', '_')}" / "schemas")
        (work / "config.json").write_text(json.dumps(config))
        finished(context, timeout, str(work), "discover", FIRST, {}, name)
        found = discovered(work)
        if found is None:
            log = (work / "discover.log").read_text() if (work / "discover.log").exists() else ""
            lines = [str(m["trace"]["error"].get("message")) for m in messages(work / "discover.messages")
                     if m.get("type") == "TRACE" and m["trace"]["type"] == "ERROR"]
            result["error"] = (lines or log.strip().splitlines() or ["no catalog"])[-1][:500]
            return result
        streams = [{"name": stream["name"], "modes": stream["supported_sync_modes"],
                    "schema": stream.get("json_schema") or {}} for stream in found]
        ended, first = read(context, work, "read", FIRST, streams, {}, timeout, name)
        result["runs"].append(first)
        again = [stream for stream in streams if "incremental" in stream["modes"]
                 and stream["name"] in first["states"] and stream["name"] not in first["failed"]]
        if ended and again:
            states = {stream["name"]: first["states"][stream["name"]] for stream in again}
            ended, second = read(context, work, "read-again", SECOND, again, states, timeout, name)
            result["runs"].append(second)
        if not ended:
            result["error"] = f"the reference did not finish in {timeout} s"
            result["runs"] = result["runs"][:-1]
    return result


def specification(text):
    """The form of the configuration."""
    from airbyte_cdk.utils.yaml_loader import safe_load_yaml

    return (safe_load_yaml(text).get("spec") or {}).get("connection_specification") or {}


def with_spec(text):
    """The reference refuses manifests without a specification."""
    if re.search(r"^spec:", text, re.M):
        return text
    return text + "\nspec:\n  type: Spec\n  connection_specification:\n    type: object\n    properties: {}\n"


def work_through(jobs, out, timeout, schemas):
    context = multiprocessing.get_context("fork" if hasattr(os, "fork") else "spawn")
    import airbyte_cdk.cli.source_declarative_manifest._run  # noqa: F401  once, for all children

    for manifest, config in jobs:
        begun = time.time()
        made = case(context, manifest, config, timeout, schemas)
        (out / f"{manifest.stem}.json").write_text(json.dumps(made, ensure_ascii=False))
        counts = [sum(map(len, run["records"].values())) for run in made["runs"]]
        asked = [len(run["exchanges"]) for run in made["runs"]]
        print(json.dumps({"connector": made["connector"], "records": counts, "requests": asked,
                          "failed": [len(run["failed"]) for run in made["runs"]], "error": made["error"],
                          "seconds": round(time.time() - begun, 1)}), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--timeout", type=float, default=60)
    parser.add_argument("--schemas", type=Path, help="a folder with a folder of schema files for each connector")
    parser.add_argument("manifests", nargs="+", help="MANIFEST or MANIFEST=CONFIG")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    jobs = [(Path(part[0]), Path(part[2]) if part[2] else None)
            for part in (given.partition("=") for given in options.manifests)]
    # Not daemons: they have children of their own.
    workers = [multiprocessing.Process(target=work_through, args=(jobs[first :: options.jobs], options.out,
                                                                  options.timeout, options.schemas)) for first in range(options.jobs)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


if __name__ == "__main__":
    main()
