"""What the Markdown pages point to exists: links, headings, files of the repository, make targets."""

import re
from functools import cache
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "workflow/src/groundtrace"
ROOMS = (ROOT, PACKAGE, *sorted(folder for folder in PACKAGE.iterdir() if folder.is_dir()))
PAGES = sorted(path for where in (".", "config", "docs", "docs/design") for path in (ROOT / where).glob("*.md"))
FOLDERS = "config|docs|envs|measurements|profiles|resources|tests|workflow"
"""What begins with one of these is a path of the repository, wherever it stands."""
KINDS = "py|smk|md|html|js|css|yaml|yml|sh|tsv"
FENCED = re.compile(r"^ *```.*?^ *```", re.M | re.S)
RESULTS = {
    yaml.safe_load(path.read_text()).get("results", "results") for path in (ROOT / "config").rglob("config.yaml")
}
"""Folders that the workflow makes."""
USERS = {"config/sessions.tsv", "curation/*/plane-*/*.tsv", "ground_truth/"}
"""Written by the user."""


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def prose(page: Path) -> str:
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def code(page: Path) -> list[str]:
    """What stands in backticks, and fenced blocks."""
    return [*re.findall(r"`([^`\n]+)`", prose(page)), *FENCED.findall(page.read_text(encoding="utf-8"))]


@cache
def anchors(page: Path) -> set[str]:
    """Names of the headings, as GitHub makes them."""
    titles = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", "\n".join(re.findall(r"^#+ (.+)$", prose(page), re.M)))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles.splitlines()}


def paths(page: Path) -> set[str]:
    """Files and folders of the repository, or of the package, that a page names; `*` where it says `<name>`."""
    found = set()
    for text in code(page):
        found |= set(re.findall(rf"(?<![\w./<-])(?:{FOLDERS})/[\w./*<>-]*[\w/*>]", text))
        if re.fullmatch(rf"[\w./*<>-]+/[\w.*<>-]+\.(?:{KINDS})|[\w/]+/", text):
            found.add(text)
    return {re.sub(r"<\w+>", "*", path) for path in found}


def exists(path: str) -> bool:
    """Whether it is in the repository, in the package or in one of its rooms, or will be among the results."""
    result = path.split("/")[0] in RESULTS and not path.endswith(".py")
    return result or any(any(room.glob(path.rstrip("/"))) for room in ROOMS)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if "://" not in link:
            file, _, anchor = link.partition("#")
            target = (page.parent / file).resolve() if file else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=name)
def test_named_files_exist(page):
    """The changelog also names what is no more."""
    assert {path for path in paths(page) if not exists(path)} <= USERS


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_make_targets_exist(page):
    known = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
    named = {target for text in code(page) for target in re.findall(r"(?:^|&& |\n *)make ([a-z][a-z-]*)", text)}
    assert named <= set(known)
