"""Says what was built: the size of each layer, and whether its code is compiled."""  # noqa: INP001 - a script beside the layers

import sys
from pathlib import Path


def report(layer: Path) -> str:
    """Describe one built layer; megabytes are as Lambda counts them, unzipped."""
    files = [path for path in layer.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files) / 1e6
    compiled = sorted({path.stem.rpartition(".")[2] for path in files if path.suffix == ".pyc"})
    state = " and ".join(compiled)
    state = (
        f"compiled by {state}" if state else "no .pyc: no python3.13 was found, so it starts slower"
    )
    return f"{layer.name}: {size:.1f} MB, {state}"


def main() -> None:
    """Describe the layers in the folder that is named."""
    for layer in sorted(Path(sys.argv[1]).glob("*Layer")):
        print(report(layer))  # noqa: T201 - it is what was asked for
    print("functions: as they are, without .pyc; each is a dozen lines")  # noqa: T201


if __name__ == "__main__":
    main()
