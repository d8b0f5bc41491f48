"""The layers, built: for Lambda from any machine, and for this one. Slow: `make test-slow`."""

import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packaging.locks import LAYERS, ROOT, pins

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

TARGETS = {"core": "build-CoreLayer", "numeric": "build-NumericLayer"}
MOST = {"core": 15e6, "numeric": 80e6}
AARCH64 = 183
TOOLS = ["make", "sh", "env", "cp", "rm", "mkdir", "find", "test", "echo", "dirname", "cat"]
Build = Callable[..., tuple[Path, str]]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    def make(layer: str, **environment: str) -> tuple[Path, str]:
        made = subprocess.run(
            ["make", "--no-print-directory", "-C", f"{ROOT}/layers/{layer}", TARGETS[layer]],
            env={**os.environ, "ARTIFACTS_DIR": str(tmp_path / layer), **environment}
            | {"PYTHON": os.environ.get("PYTHON", sys.executable)},
            check=True,
            capture_output=True,
            text=True,
        )
        return tmp_path / layer / "python", made.stderr

    return make


@pytest.fixture
def bare(tmp_path: Path) -> str:
    """Give a PATH with what make needs, and no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        if found is not None:
            (folder / tool).symlink_to(found)
    return str(folder)


def a_python_313() -> str | None:
    answer = subprocess.run(
        ["sh", "-c", 'echo "$(pyenv prefix "$(pyenv latest 3.13)")/bin/python3.13"'],
        check=False,
        capture_output=True,
        text=True,
    )
    for each in (os.environ.get("PYTHON313"), shutil.which("python3.13"), answer.stdout.strip()):
        if each and Path(each).exists():
            told = subprocess.run([each, "--version"], check=False, capture_output=True, text=True)
            if told.stdout.startswith("Python 3.13"):
                return each
    return None


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def machine(path: Path) -> int:
    head = path.read_bytes()[:20]
    assert head[:4] == b"\x7fELF", path
    number: int = struct.unpack_from("<H", head, 18)[0]
    return number


def libraries(folder: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in folder.glob("*.dist-info"):
        name, _, version = path.name.removesuffix(".dist-info").partition("-")
        found[name.lower().replace("_", "-")] = [version]
    return found


def sources(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_is_built_for_lambda_where_there_is_no_python_313(
    layer: str, build: Build, bare: str
) -> None:
    folder, told = build(layer, PATH=bare, PYTHON313="")
    shared = [path for path in folder.rglob("*") if ".so" in path.suffixes]
    assert shared
    assert {machine(path) for path in shared} == {AARCH64}
    assert all("cpython-313" in path.name for path in shared if "cpython" in path.name)
    assert size(folder) <= MOST[layer]
    held = pins((ROOT / f"layers/{layer}/requirements.txt").read_text())
    assert libraries(folder) == {name: [each for each, _ in held[name]] for name in held}
    package = LAYERS[layer]
    assert sources(folder / package) == sources(ROOT / "layers" / layer / package)
    assert not list(folder.rglob("*.pyc"))
    assert "no python3.13 was found" in told


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_is_compiled_where_there_is_one(layer: str, build: Build) -> None:
    if a_python_313() is None:
        pytest.skip("no python3.13 is here")
    folder, told = build(layer)
    compiled = list(folder.rglob("*.pyc"))
    assert {path.stem.rpartition(".")[2] for path in compiled} == {"cpython-313"}
    flags = {struct.unpack_from("<I", path.read_bytes(), 4)[0] for path in compiled}
    assert flags == {0b01}  # by hash, and nobody checks it
    modules = set((folder / LAYERS[layer]).rglob("*.py"))
    assert modules == {
        path.parent.parent / f"{path.name.partition('.')[0]}.py"
        for path in compiled
        if LAYERS[layer] in path.relative_to(folder).parts[0]
    }
    assert size(folder) <= MOST[layer]
    assert "no python3.13" not in told


def test_layers_for_this_machine_carry_all_that_the_doors_import(build: Build) -> None:
    folders = [str(build(layer, TUNEWRIGHT_BUILD_FOR="host")[0]) for layer in LAYERS]
    doors = sorted(path.stem for path in (ROOT / "functions").glob("*.py"))
    script = f"""
import importlib, pkgutil, sys
sys.path[:0] = {[*folders, str(ROOT / "functions")]!r}
import numpy, pydantic, aws_lambda_powertools, tunewright, gp_surrogate
for package in (tunewright, gp_surrogate):
    for each in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(each.name)
for door in {doors!r}:
    importlib.import_module(door)
print([m.__file__ for m in (numpy, pydantic, aws_lambda_powertools, tunewright, gp_surrogate)])
"""
    told = subprocess.run(
        [os.environ.get("PYTHON", sys.executable), "-c", script],
        env={"PATH": os.environ["PATH"], "AWS_DEFAULT_REGION": "us-east-1"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert told.stdout.count(folders[0]) + told.stdout.count(folders[1]) == 5


def test_a_build_for_what_is_not_known_says_what_is(build: Build) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        build("core", TUNEWRIGHT_BUILD_FOR="mars")
    assert 'it may be "aws" or "host"' in caught.value.stderr
