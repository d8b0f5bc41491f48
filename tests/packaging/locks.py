"""Says which lock files are not current, from what is here and nothing else: `python -m …`.

A layer has exactly what its code imports and what that needs, in the versions that the tests run
with; Lambda brings boto3. `make requirements` writes all lock files anew.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LAYERS = {"core": "tunewright", "numeric": "gp_surrogate"}
BROUGHT = {"boto3", "botocore"}
"""What Lambda brings."""
OURS = set(LAYERS.values())
LAMBDA = {
    "python_version": "3.13",
    "python_full_version": "3.13.0",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "aarch64",
    "os_name": "posix",
    "extra": "",
}
Pins = dict[str, list[tuple[str, frozenset[str]]]]


def pins(text: str) -> Pins:
    """Read the versions of each library in a lock file, each with its hashes."""
    found: Pins = {}
    for block in re.split(r"\n(?=[A-Za-z0-9])", text):
        match = re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)", block)
        if match is not None:
            hashes = frozenset(re.findall(r"--hash=(sha256:[0-9a-f]{64})", block))
            found.setdefault(canonicalize_name(match[1]), []).append((match[2], hashes))
    return found


def imported(folder: Path) -> set[str]:
    """Name the libraries that a package imports, but for the standard one and what Lambda has."""
    modules: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules |= {each.name.partition(".")[0] for each in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                modules.add((node.module or "").partition(".")[0])
    owners = packages_distributions()
    foreign = modules - sys.stdlib_module_names - OURS - BROUGHT
    return {canonicalize_name(owners.get(each, [each])[0]) for each in foreign}


def needed(roots: set[str]) -> set[str]:
    """Name the libraries that these need on Lambda, themselves among them."""
    found: set[str] = set()
    left = sorted(roots)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            for line in distribution(name).requires or ():
                asked = Requirement(line)
                if asked.marker is None or asked.marker.evaluate(LAMBDA):
                    left.append(canonicalize_name(asked.name))
    return found - BROUGHT


def _asked(root: Path) -> Iterator[Requirement]:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    for line in [*project["dependencies"], *project["optional-dependencies"]["local"]]:
        yield Requirement(line)


def _layer(root: Path, layer: str, tested: Pins) -> Iterator[str]:
    text = (root / f"layers/{layer}/requirements.txt").read_text()
    held = pins(text)
    wanted = needed(imported(root / f"layers/{layer}/{LAYERS[layer]}"))
    yield from (f"{name} is missing" for name in sorted(wanted - held.keys()))
    yield from (f"{name} is not needed" for name in sorted(held.keys() - wanted))
    if ";" in text:
        yield "a pin has a marker, which pip asks of this machine and not of Lambda"
    for name, versions in held.items():
        for version, hashes in versions:
            if (version, hashes) not in tested.get(name, []):
                yield f"{name} {version} is not what the tests run with"
            if not hashes:
                yield f"{name} has no hash"
    for asked in _asked(root):
        for version, _ in held.get(canonicalize_name(asked.name), []):
            if not asked.specifier.contains(version):
                yield f"{asked.name} {version} is not {asked.specifier}"


def stale(root: Path = ROOT) -> list[str]:
    """Say, file by file, what is not current."""
    tested = pins((root / "requirements/dev.txt").read_text())
    found = [
        f"layers/{layer}/requirements.txt: {words}"
        for layer in LAYERS
        for words in _layer(root, layer, tested)
    ]
    asked = Requirement((root / "requirements/sam.in").read_text().partition("#")[0].strip())
    held = pins((root / "requirements/sam.txt").read_text())
    versions = [version for version, _ in held.get(canonicalize_name(asked.name), [])]
    if not versions or not all(asked.specifier.contains(version) for version in versions):
        found.append(f"requirements/sam.txt: it has no {asked}")
    for name in ["requirements/sam.txt", *(f"layers/{layer}/requirements.txt" for layer in LAYERS)]:
        if "://" in (root / name).read_text():
            found.append(f"{name}: it names a host")
    return found


if __name__ == "__main__":
    for each in stale():
        print(f"{each}; run `make requirements`")  # noqa: T201 - it is what was asked for
    sys.exit(bool(stale()))
