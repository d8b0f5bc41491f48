"""Each import contract fails when it is violated: a contract that cannot fail is none."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("layers/core", "layers/numeric", "client", "local", "functions")

# contract: the file that gets one more line, and the line
VIOLATIONS = {
    "rooms": ("layers/core/tunewright/domain/names.py", "import tunewright.app.ports"),
    "domain": ("layers/core/tunewright/domain/trial.py", "import tunewright.domain.study"),
    "steps": ("layers/core/tunewright/domain/steps/fold.py", "import tunewright.domain.steps.plan"),
    "adapters": (
        "layers/core/tunewright/adapters/clock.py",
        "import tunewright.adapters.sagemaker",
    ),
    "doors": ("functions/on_wake.py", "import tunewright.app.conductor"),
    "aws": ("layers/core/tunewright/app/recorder.py", "import botocore"),
    "local": ("layers/core/tunewright/cloud.py", "import sagemaker_local"),
    "client": ("client/tunewright_client/cli.py", "import tunewright.cloud"),
    "emulator": ("local/sagemaker_local/store.py", "import tunewright.domain.names"),
    "embedded": ("local/embedded_aws/aws.py", "import sagemaker_local.settings"),
    "ministack": ("local/sagemaker_local/store.py", "import ministack.app"),
    "numeric": ("layers/numeric/gp_surrogate/gp.py", "import scipy"),
}


def contracts() -> list[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return [each["id"] for each in settings["tool"]["importlinter"]["contracts"]]


def lint(tree: Path, contract: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join(str(tree / source) for source in (*SOURCES[:-1], ""))
    return subprocess.run(
        [
            Path(sys.executable).parent / "lint-imports",
            "--no-cache",
            "--config",
            ROOT / "pyproject.toml",
            "--contract",
            contract,
        ],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("house")
    for source in SOURCES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / source, copy / source, ignore=ignored)
    return copy


def test_every_contract_has_a_violation_here() -> None:
    assert set(VIOLATIONS) == set(contracts())


@pytest.mark.parametrize("contract", sorted(VIOLATIONS))
def test_a_violated_contract_fails(tree: Path, contract: str) -> None:
    name, line = VIOLATIONS[contract]
    path = tree / name
    before = path.read_text()
    path.write_text(f"{before}\n{line}\n")
    try:
        result = lint(tree, contract)
    finally:
        path.write_text(before)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "1 broken" in result.stdout


def test_the_house_as_it_stands_keeps_them(tree: Path) -> None:
    result = lint(tree, "rooms")
    assert result.returncode == 0, result.stdout
