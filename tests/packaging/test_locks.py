"""The lock files are current; one that is not is noticed, whatever is wrong with it."""

import re
import shutil
from pathlib import Path

import pytest

from tests.packaging.locks import LAYERS, ROOT, pins, stale

FILES = ["pyproject.toml", "requirements/dev.txt", "requirements/sam.in", "requirements/sam.txt"]
CORE, NUMERIC = "layers/core/requirements.txt", "layers/numeric/requirements.txt"
NEVER = "--hash=sha256:" + "0" * 64


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in [*FILES, CORE, NUMERIC]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for layer, package in LAYERS.items():
        shutil.copytree(ROOT / "layers" / layer / package, tmp_path / "layers" / layer / package)
    return tmp_path


def test_all_lock_files_are_current() -> None:
    assert stale() == []


def test_a_copy_of_what_is_current_is_current(copy: Path) -> None:
    assert stale(copy) == []


@pytest.mark.parametrize(
    ("name", "pattern", "by", "words"),
    [
        (CORE, r"pydantic==\S+", "pydantic==2.12.0", "pydantic 2.12.0 is not what the tests run"),
        (CORE, r"pydantic==\S+", "pydantic==1.10.0", "pydantic 1.10.0 is not <3,>=2.12"),
        (CORE, r"jmespath==", "jmespathy==", "jmespath is missing"),
        (CORE, r"$", f"\nclick==8.1.8 \\\n    {NEVER}\n", "click is not needed"),
        (CORE, r"--hash=sha256:\w{64}", NEVER, "annotated-types 0.8.0 is not what the tests run"),
        (CORE, r"^", "--index-url https://pypi.example\n", "it names a host"),
        (NUMERIC, r"numpy==(\S+)", r"numpy==\1 ; python_version < '3.12'", "a pin has a marker"),
        (NUMERIC, r"(?s)numpy.*", "", "numpy is missing"),
        (NUMERIC, r"(?s)(numpy==\S+).*", r"\1", "has no hash"),
        ("layers/core/tunewright/settings.py", "import os", "import os, yaml", "pyyaml is missing"),
        ("requirements/sam.in", r"==\S+", "==1.171.0", "it has no aws-sam-cli==1.171.0"),
        ("requirements/dev.txt", r"numpy==\S+", "numpy==2.2.0", "is not what the tests run with"),
    ],
)
def test_a_stale_one_is_noticed(copy: Path, name: str, pattern: str, by: str, words: str) -> None:
    path = copy / name
    changed = re.sub(pattern, by, path.read_text(), count=1)
    assert changed != path.read_text()
    path.write_text(changed)
    assert any(words in each for each in stale(copy)), stale(copy)


def test_a_lock_file_is_read_with_versions_and_hashes() -> None:
    text = f"Py_YAML==6.0 ; python_version < '3.12' \\\n    {NEVER}\nnumpy==2.4.6\n"
    hashes = frozenset({NEVER.removeprefix("--hash=")})
    assert pins(text) == {"py-yaml": [("6.0", hashes)], "numpy": [("2.4.6", frozenset())]}
