"""Pages are lists of sections: what follows from them, and who may bring one."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from groundtrace.errors import InputError
from groundtrace.report.pages import FRAME, PAGES, identity, needs, require, sections
from groundtrace.report.parameters import ReportParameters
from groundtrace.report.section import SHARED
from groundtrace.report.session import load_session, render_session, session_warnings
from groundtrace.running.layout import FILES
from tests.unit.report.report_decode import page_data
from tests.unit.report.test_report_session import write_session

IDENTITIES = "import json; from groundtrace.report.pages import *; print(json.dumps({p: identity(p) for p in PAGES}))"
BOARDS = {"benchmark", "recordings", "realism", "suggest", "tracks"}
"""Pages of tables and small charts."""
CONTENT = """
from pathlib import Path

from groundtrace.report.warning import Warning

def load(paths, session):
    return Path(paths["frames"]).stat().st_size

def context(session):
    return {"rois": session.rois.height}

def data(session):
    return {"licks": [1, 2]}

def warnings(session):
    yield Warning("critical", "The mouse does not lick", "It is not thirsty.", "Wait.")
"""


def write_section(folder: Path, needs: str = "frames") -> None:
    folder.mkdir(parents=True)
    declared = f'Section(__name__, title="Licks", needs=("{needs}",), shared=("figures.html",))'
    (folder / "__init__.py").write_text(f"from groundtrace.report.section import Section\nSECTION = {declared}\n")
    (folder / "content.py").write_text(CONTENT)
    (folder / "section.html").write_text(
        '<section id="licks"><h2>Licks</h2><p>{{ rois }} ROIs, &amp; licks.</p></section>'
    )
    (folder / "section.css").write_text("#licks { color: var(--good); }")
    (folder / "section.js").write_text("drawn(() => { document.title = page.licks.length; });")


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Install a package whose entry point is `value`; the pages know of it until the end of the test."""

    def install(value: str = "mouse_licks:SECTION", name: str = "licks") -> None:
        info = tmp_path / "mouse_licks-0.3.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mouse-licks\nVersion: 0.3\n")
        (info / "entry_points.txt").write_text(f"[groundtrace.sections]\n{name} = {value}\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        sections.cache_clear()

    yield install
    sections.cache_clear()
    for module in [name for name in sys.modules if name.startswith("mouse_licks")]:
        del sys.modules[module]


@pytest.fixture
def copied(root, tmp_path):
    """A copy of the package to edit; `python(code)` runs there and gives what it prints."""
    source = tmp_path / "workflow/src"
    shutil.copytree(root / "workflow/src", source, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "resources").symlink_to(root / "resources")

    def python(code: str) -> str:
        environment = {"PYTHONPATH": f"{source}:{root}", "PATH": ""}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
        assert not done.returncode, done.stderr
        return done.stdout

    return source / "groundtrace/report", python


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_every_folder_is_a_section_of_a_page_and_every_shared_file_is_used():
    folder = SHARED.parent / "sections"
    found = {(path.parent.parent.name, path.parent.name) for path in folder.glob("*/*/section.html")}
    wanted = {(page, *name.split(".")) for page, names in PAGES.items() for name in names}
    assert found == {parts[-2:] for parts in wanted}
    named = {name for page in PAGES for section in sections(page) for name in section.shared}
    assert named | set(FRAME) == {path.name for path in SHARED.iterdir()}


def test_the_files_of_the_session_page_are_those_of_its_sections():
    assert needs("session") == {name: path for name, path in FILES.items() if name in needs("session")}
    assert set(needs("session")) | set(needs("encoding")) == set(FILES)
    assert needs("study") == {}


def test_what_rules_ask_for_imports_nothing_heavy(copied):
    """Every job of a cluster asks."""
    code = "import sys; from groundtrace.report.pages import *; [needs(page) for page in PAGES]; print(*sys.modules)"
    assert not {"polars", "scipy", "jinja2", "PIL", "pandas"} & set(copied[1](code).split())


def test_a_word_in_a_template_concerns_the_pages_that_have_it(copied):
    report, python = copied

    def changed() -> dict[str, set[str]]:
        now = json.loads(python(IDENTITIES))
        found = {page: {name for name in now[page] if now[page][name] != last[page][name]} for page in PAGES}
        last.update(now)
        return {page: names for page, names in found.items() if names}

    last = {page: identity(page) for page in PAGES}
    assert changed() == {}
    edit(report / "sections/session/motion/section.html", "Displacement of the tissue", "How the tissue moved")
    assert changed() == {"session": {"motion"}}
    edit(report / "sections/study/table/section.js", "const MARGIN = 30", "const MARGIN = 31")
    assert changed() == {"study": {"table"}}
    edit(report / "shared/boards.html", "swatch(colour) %}<i", "swatch(colour) %}<b")
    assert changed().keys() == BOARDS
    edit(report / "sections/session/motion/content.py", "EDGE = 0.1", "EDGE = 0.2")
    assert changed() == {"session": {"motion"}}
    edit(report / "sections/session/motion/content.py", '"""Motion: what', '"""Of the motion: what')
    assert changed() == {}
    edit(report / "shared/page.css", "--ground: #f5f6f7", "--ground: #f5f6f8")
    assert changed() == {page: {"the frame"} for page in PAGES}


def test_a_section_of_our_own_is_a_folder_and_a_line(copied):
    report, python = copied
    write_section(report / "sections/session/licks")
    edit(report / "pages.py", '        "motion",\n', '        "motion",\n        "licks",\n')
    page = python(
        "from tests.unit.report.report_example import example_session\n"
        "from groundtrace.report.session import render_session\n"
        "from groundtrace.report.parameters import ReportParameters\n"
        "print(render_session(example_session(rois=3, frames=300, side=64), ReportParameters()))"
    )
    assert page.index('id="motion"') < page.index('<section id="licks">') < page.index('id="recording"')
    assert '<a href="#motion">Motion</a><a href="#licks">Licks</a>' in page


def test_a_section_of_another_package_is_on_the_session_page(installed, session, tmp_path):
    before = identity("session")
    write_section(tmp_path / "mouse_licks")
    installed("mouse_licks:SECTION")
    page = render_session(session, ReportParameters())
    assert page.index('id="provenance"') < page.index("<h2>Licks</h2><p>40 ROIs, &amp; licks.")
    assert '<a href="#mouse_licks">Licks</a>' in page
    assert "#licks { color" in page
    assert page_data(page)["licks"] == [1, 2]
    assert "The mouse does not lick" in page
    assert session_warnings(session, ReportParameters())[0].severity == "critical"
    after = identity("session")
    assert {name: after[name] for name in before} == before
    (tmp_path / "mouse_licks/section.html").write_text("other words")
    assert identity("session")["mouse_licks"] != after["mouse_licks"]
    require("session", after.keys() - {"the frame"})
    paths = write_session(session, tmp_path)
    assert load_session(paths, "default").loaded["mouse_licks"] == paths["frames"].stat().st_size


def test_a_section_that_a_job_lacks_is_named():
    with pytest.raises(InputError, match=r"the sections licks of the session page are not installed .*; install"):
        require("session", ["header", "licks"])


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("mouse_licks:NOTHING", r"cannot be loaded \(AttributeError: .*; repair or uninstall"),
        ("no_such_module:SECTION", r"cannot be loaded \(ModuleNotFoundError: .*; repair or uninstall"),
        ("mouse_licks:__name__", r"is a str, and must be a groundtrace\.report\.section\.Section; repair"),
    ],
)
def test_a_broken_package_is_a_plain_error_that_names_it(installed, tmp_path, value, said):
    write_section(tmp_path / "mouse_licks")
    installed(value)
    with pytest.raises(InputError, match=rf"^mouse-licks 0\.3: its section licks \({value}\) {said}"):
        sections("session")


def test_a_section_without_a_template_is_an_error(installed, tmp_path):
    write_section(tmp_path / "mouse_licks")
    (tmp_path / "mouse_licks/section.html").unlink()
    installed()
    with pytest.raises(
        InputError, match=r"^mouse-licks 0\.3: its section licks has no template .*section\.html; add it"
    ):
        sections("session")


def test_names_are_checked(installed, tmp_path):
    write_section(tmp_path / "mouse_licks", needs="licks")
    installed()
    with pytest.raises(
        InputError, match=r"^mouse-licks 0\.3: section mouse_licks needs licks, .*there are acquisition,"
    ):
        needs("session")


def test_two_sections_of_one_name_are_refused(installed, tmp_path):
    write_section(tmp_path / "mouse_licks/motion")
    (tmp_path / "mouse_licks/__init__.py").touch()
    installed("mouse_licks.motion:SECTION")
    with pytest.raises(InputError, match=r"^mouse-licks 0\.3: there is already a section motion in the session page"):
        sections("session")
