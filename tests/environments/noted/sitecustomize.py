"""Imported by every Python that has this folder on its path: notes which modules a process took from where at its end.

Snakemake appends its own search path to that of a rule's script, so what an environment lacks is found in Snakemake's.
"""

import atexit
import json
import os
import sys


def note() -> None:
    found = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items()) if "." not in name}
    origins = {name: file for name, file in found.items() if file}
    with open(os.path.join(os.environ["IMPORTS_NOTED_IN"], f"{os.getpid()}.json"), "w") as handle:
        json.dump({"prefix": sys.prefix, "script": sys.argv[0], "modules": origins}, handle)


if "IMPORTS_NOTED_IN" in os.environ:
    atexit.register(note)
