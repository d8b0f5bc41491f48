"""Which problems the rules may be developed on, and which are kept for reporting: `split.json`."""

from __future__ import annotations

import json
from pathlib import Path

_SPLIT = json.loads((Path(__file__).parent / "split.json").read_text())


def names(part: str | None = None) -> list[str]:
    """Return the names of a part's problems (`development`, `reporting`, `common`), or of all."""
    if part == "common":
        return list(_SPLIT["common"])
    parts = [part] if part else ["development", "reporting"]
    return [
        f"{family}_{rest}"
        for each in parts
        for family, members in _SPLIT[each].items()
        for rest in members
    ]
