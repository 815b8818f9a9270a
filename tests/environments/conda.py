"""A stand-in for conda: the calls that Snakemake makes, solved and linked by py-rattler from one local channel.

The channels that an environment file names are not asked. Its pip section is installed from the package index by uv,
which links files from its cache: with pip itself two environments with PyTorch would take 13 GB.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import rattler
import yaml

ROOT = Path(os.environ["LOCAL_CONDA"])
"""Holds `channel`, the package cache `pkgs`, and `bin` with this command and `activate`."""
PLATFORMS = [str(rattler.Platform.current()), "noarch"]


async def link(specs: list[str], prefix: Path) -> None:
    """Solve and link the conda section of an environment."""
    records = await rattler.solve(
        [rattler.Channel((ROOT / "channel").as_uri())],
        [rattler.MatchSpec(spec) for spec in specs],
        platforms=PLATFORMS,
        virtual_packages=rattler.VirtualPackage.detect(),
    )
    await rattler.install(records, prefix, show_progress=False, cache_dir=ROOT / "pkgs")


def create(file: Path, prefix: Path) -> None:
    """What `conda env create` does."""
    dependencies = yaml.safe_load(file.read_text())["dependencies"]
    asyncio.run(link([each for each in dependencies if isinstance(each, str)], prefix))
    pins = [pin for each in dependencies if isinstance(each, dict) for pin in each["pip"]]
    if pins:
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as wanted:
            wanted.write("\n".join(pins))
            wanted.flush()
            python = prefix / "bin" / "python"
            subprocess.run(["uv", "pip", "install", "--quiet", "--python", python, "-r", wanted.name], check=True)


def main(arguments: list[str]) -> None:
    match arguments:
        case ["--version"]:
            print("conda 26.1.0")
        case ["info", "--json"]:
            print(json.dumps({"conda_prefix": str(ROOT), "platform": PLATFORMS[0]}))
        case ["config", "--get", "channel_priority", "--json"]:
            print(json.dumps({"get": {"channel_priority": "strict"}}))
        case ["clean", *_]:
            pass  # Packages are linked from the cache: other environments may need them.
        case ["env", "create", *options] if "--file" in options and "--prefix" in options:
            create(*(Path(options[options.index(name) + 1]) for name in ("--file", "--prefix")))
        case _:
            sys.exit(f"this stand-in for conda cannot do: {' '.join(arguments)}")


if __name__ == "__main__":
    main(sys.argv[1:])
