"""The house as the design draws it: rooms, size of modules, licences, no hosts in lock files."""

import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
CODE = [
    path
    for room in ("layers", "client", "local")
    for path in sorted((ROOT / room).rglob("*.py"))
    if "__pycache__" not in path.parts
]
MOST_LINES = 350


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_says_what_it_is_and_is_not_too_long(path: Path) -> None:
    text = path.read_text()
    assert text.startswith('"""'), "a module opens with a sentence that says what it is"
    assert text.count("\n") <= MOST_LINES


def test_the_lock_file_has_hashes_and_no_hosts() -> None:
    text = (ROOT / "requirements/dev.txt").read_text()
    pinned = re.findall(r"^[a-z][^=\n]*==", text, re.MULTILINE)
    assert len(pinned) > 40
    assert "://" not in text
    for block in re.split(r"\n(?=[a-z])", text):
        assert "--hash=sha256:" in block


def test_every_dependency_says_why_it_is_there() -> None:
    rows = (ROOT / "pyproject.toml").read_text().splitlines()
    start = rows.index("dependencies = [")
    listed = [row for row in rows[start : start + 40] if re.match(r'^    "[a-z].*[=>]', row)]
    assert len(listed) >= 15
    assert all("#" in row for row in listed), [row for row in listed if "#" not in row]


def test_the_lock_file_holds_what_the_manifest_asks_for() -> None:
    manifest = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*manifest["dependencies"], *chain(*manifest["optional-dependencies"].values())]
    pins: dict[str, list[str]] = {}
    for name, version in re.findall(
        r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", (ROOT / "requirements/dev.txt").read_text(), re.MULTILINE
    ):
        pins.setdefault(name.lower(), []).append(version)
    for line in wanted:
        requirement = Requirement(line)
        versions = pins.get(requirement.name.lower(), [])
        assert versions, f"{requirement.name} is not locked: run `make requirements`"
        assert all(requirement.specifier.contains(version) for version in versions), line


def test_the_readme_is_short() -> None:
    assert (ROOT / "README.md").read_text().count("\n") <= 120
