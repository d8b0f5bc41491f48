"""The domain imports what is pure and nothing else, and nothing in it happens at import."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOMAIN = ROOT / "layers/core/tunewright/domain"
PURE = frozenset(
    {
        "base64",
        "collections",
        "dataclasses",
        "datetime",
        "decimal",
        "difflib",
        "enum",
        "hashlib",
        "hmac",
        "itertools",
        "math",
        "pydantic",
        "re",
        "statistics",
        "tunewright",
        "types",
        "typing",
    }
)
MAY_ASK_THE_SURROGATE = {"refinement.py", "forecast.py", "selection.py", "outlook.py"}
IMPURE_CALLS = {"now", "today", "utcnow", "open", "print", "getenv", "urandom", "uuid4"}

FILES = sorted(DOMAIN.rglob("*.py"))


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name.partition(".")[0], node.lineno
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0], node.lineno


def at_run_time(tree: ast.Module) -> list[tuple[str, int]]:
    """Imports that a function does, or that only a type checker sees."""
    inner = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) or (
            isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        ):
            inner += list(imports(node))
    return inner


def impure(path: Path, source: str) -> list[str]:
    tree = ast.parse(source)
    late = at_run_time(tree)
    found = []
    for module, line in imports(tree):
        surrogate = module == "gp_surrogate"
        allowed = surrogate and path.name in MAY_ASK_THE_SURROGATE and (module, line) in late
        if module not in PURE and not allowed:
            found.append(f"{path.name}:{line} imports {module}")
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called in IMPURE_CALLS:
                found.append(f"{path.name}:{node.lineno} calls {called}")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DOMAIN)))
def test_a_module_of_the_domain_is_pure(path: Path) -> None:
    assert impure(path, path.read_text()) == []


@pytest.mark.parametrize(
    "line",
    [
        "import os",
        "import boto3",
        "import random",
        "import numpy",
        "from time import sleep",
        "import gp_surrogate",
        "from datetime import datetime\nx = datetime.now()",
        "x = open('f')",
    ],
)
def test_the_test_sees_what_is_not_pure(line: str) -> None:
    assert impure(DOMAIN / "refinement.py", line)
    assert impure(DOMAIN / "names.py", line)


def test_the_surrogate_is_only_for_those_who_refine_and_forecast() -> None:
    late = "def f():\n    import gp_surrogate\n"
    assert impure(DOMAIN / "refinement.py", late) == []
    assert impure(DOMAIN / "names.py", late)
