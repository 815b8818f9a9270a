"""Backends of other packages are held to what ours are held to; a broken one says so in one line."""

import json
from pathlib import Path

import pytest

from groundtrace import config, provenance
from groundtrace.config import config_class, load
from groundtrace.errors import InputError
from groundtrace.running.reference import reference, schema
from groundtrace.section import Backend

GOOD = """
from typing import ClassVar, Literal
from groundtrace.motion.base import MotionBackend, Registration

class Found(MotionBackend):
    packages: ClassVar[tuple[str, ...]] = ("a-package", "numpy")
    backend: Literal["found"] = "found"
    strength: float = 1.0

    def run(self, movie, registered, task) -> Registration:
        raise NotImplementedError
"""
FAULTS = {
    "not importable": ("import nothing_like_this", "found", "cannot be imported: ModuleNotFoundError: No module named"),
    "not there": ("", "found", "cannot be imported: AttributeError"),
    "no backend": ("class Found: pass", "found", "is no subclass of groundtrace.motion.base.MotionBackend"),
    "of another stage": (
        "from groundtrace.spikes.oasis import Oasis as Found",
        "found",
        "is no subclass of groundtrace.motion.base.MotionBackend",
    ),
    "a method is missing": (GOOD.replace("def run", "def walk"), "found", "does not define run"),
    "another name": (GOOD, "lost", 'needs the field `backend: Literal["lost"] = "lost"`'),
    "a name of ours": (GOOD, "phase", "the name 'phase' is taken by groundtrace"),
    "packages without its own": (GOOD.replace('"a-package", ', ""), "found", "packages does not name 'a-package'"),
}


@pytest.fixture
def site(tmp_path, monkeypatch) -> Path:
    """A folder on the path; what is installed there is found by the next `load`."""
    monkeypatch.syspath_prepend(tmp_path)
    config_class.cache_clear()
    yield tmp_path
    config_class.cache_clear()


def install(site: Path, code: str, name: str = "found", package: str = "a-package") -> Path:
    """As pip would; returns the module, whose name is used once."""
    module = site / f"module_{abs(hash((site, code, package)))}.py"
    module.write_text(code)
    about = site / f"{package.replace('-', '_')}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[groundtrace.motion]\n{name} = {module.stem}:Found\n")
    (about / "RECORD").write_text(f"{module.name},,\n{about.name}/METADATA,,\n")
    return module


def brought(**parameters: float) -> Backend:
    """The method of a config that names it."""
    methods = {"phase": {"backend": "phase"}, "mine": {"backend": "found", **parameters}}
    return load({"motion": methods}).backend("motion", "mine")


@pytest.mark.parametrize(("code", "name", "cause"), FAULTS.values(), ids=FAULTS)
def test_a_broken_package_is_one_plain_error(code, name, cause, site):
    install(site, code, name)
    with pytest.raises(InputError) as error:
        load({})
    assert f"package a-package 1.0, entry point {name!r} of groundtrace.motion: " in str(error.value)
    assert cause in str(error.value)
    assert "pip uninstall a-package" in str(error.value)


def test_two_packages_cannot_bring_the_same_name(site):
    install(site, GOOD)
    install(site, GOOD.replace("a-package", "b-package"), package="b-package")
    with pytest.raises(InputError, match=r"entry point 'found' .*: the name 'found' is taken by [ab]-package"):
        load({})


def test_it_is_validated_like_ours(site):
    install(site, GOOD)
    found = brought(strength=2)
    assert (type(found).__name__, found.model_dump()) == ("Found", {"backend": "found", "strength": 2.0})
    wrong = {"a": {"backend": "fuond"}, "b": {"backend": "found", "strenght": 2}, "c": {"backend": "phsae"}}
    with pytest.raises(InputError) as error:
        load({"motion": wrong})
    assert "motion.a.backend: 'fuond' is not allowed; allowed are 'none', 'phase'," in str(error.value)
    assert "'found'; did you mean 'found'?" in str(error.value)
    assert "motion.b.strenght: unknown key; known here: backend, strength; did you mean 'strength'?" in str(error.value)
    assert "did you mean 'phase'?" in str(error.value)


def test_it_stands_in_the_schema_where_it_is_installed_and_not_in_ours(site):
    install(site, GOOD)
    assert "Found" in json.loads(schema(config_class()))["$defs"]
    assert "`motion.<name>` with `backend: found`" in reference(config_class())
    assert "Found" not in schema()
    assert "backend: found" not in reference()


def test_without_any_the_class_is_ours(site):
    assert config_class() is config.Config


@pytest.mark.parametrize("listed", [True, False], ids=["installed", "in place"])
def test_its_code_is_what_decides_its_results(listed, site):
    module = install(site, GOOD)
    if not listed:
        (site / "a_package-1.0.dist-info/RECORD").write_text("a_package-1.0.dist-info/METADATA,,\n")
    kind = type(brought())

    def hashed() -> str:
        for function in (provenance.backend_hash, provenance.source_hash, provenance.file_hash):
            function.cache_clear()
        return provenance.backend_hash(kind)

    before = hashed()
    module.write_text(f'"""Other words."""\n# and a comment\n{GOOD}')
    assert hashed() == before
    module.write_text(GOOD.replace("NotImplementedError", "ValueError"))
    assert hashed() != before


def test_files_beside_its_code_count(site):
    install(site, GOOD)
    (site / "weights.bin").write_bytes(b"1")
    with (site / "a_package-1.0.dist-info/RECORD").open("a") as record:
        record.write("weights.bin,,\n")
    kind = type(brought())
    before = provenance.backend_hash(kind)
    (site / "weights.bin").write_bytes(b"2")
    provenance.backend_hash.cache_clear()
    provenance.file_hash.cache_clear()
    assert provenance.backend_hash(kind) != before
