"""Shows letters as text: a Slack message block by block, an e-mail as it is."""

import textwrap
from typing import Any

from tunewright_local.inbox import Letter

_WIDTH = 78


def letter_text(letter: Letter) -> list[str]:
    """Return a letter as lines of at most 78 columns."""
    if letter.kind == "mail":
        lines = [f"Subject: {letter.title}", ""]
        for line in str(letter.body.get("text", "")).rstrip("\n").split("\n"):
            lines += textwrap.wrap(line, _WIDTH, subsequent_indent="  ") or [""]
        return lines
    lines = []
    for block in letter.body.get("blocks") or ():
        lines += _block(block)
    return lines


def plain(text: str) -> str:
    """Take Slack's mark-up from a text.

    >>> plain("*best*: `a` &lt; b")
    'best: a < b'
    """
    for mark in "*`":
        text = text.replace(mark, "")
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _block(block: dict[str, Any]) -> list[str]:
    match block:
        case {"type": "header", "text": {"text": str(text)}}:
            return [plain(text), "─" * min(len(text), _WIDTH)]
        case {"type": "section", "fields": list(fields)}:
            pairs = [plain(each.get("text", "")).partition("\n") for each in fields]
            width = max((len(label) for label, _, _ in pairs), default=0)
            return [f"  {label:<{width}}  {value}" for label, _, value in pairs]
        case {"type": "section", "text": {"text": str(text)}}:
            lines: list[str] = []
            for line in plain(text).split("\n"):
                lines += textwrap.wrap(line, _WIDTH, subsequent_indent="  ")
            return lines
        case {"type": "actions", "elements": list(elements)}:
            return ["  ".join(f"[ {each['text']['text']} ]" for each in elements)]
        case {"type": "context", "elements": list(elements)}:
            return [" ".join(plain(each.get("text", "")) for each in elements)]
        case _:
            return []
