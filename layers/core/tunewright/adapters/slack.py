"""Renders messages as Slack's Block Kit; it sends nothing.

Limits of Slack's: 150 characters of a header, 3,000 of a section, 10 fields of 2,000, 50 blocks.
"""

from typing import Any

from tunewright.domain.message import Level, Message

_HEADER, _SECTION, _FIELD, _FIELDS = 150, 3000, 2000, 10
_MARKS = {Level.NEEDS_ME: "🔔", Level.TROUBLE: "⚠️", Level.NEWS: ""}


def render(message: Message, links: dict[str, str]) -> dict[str, Any]:
    """Render a message.

    Args:
        message: The message.
        links: For each choice's verb the page on which it is made; without one there is no button.
    """
    mark = _MARKS[message.level]
    title = f"{mark} {message.title}" if mark else message.title
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(title, _HEADER)}},
        _section(message.lines[0]),
    ]
    if len(message.lines) > 1:
        blocks.append(_section("\n".join(f"• {line}" for line in message.lines[1:])))
    fields = [
        {"type": "mrkdwn", "text": _cut(f"*{escape(label)}*\n{escape(value)}", _FIELD)}
        for label, value in message.facts[:_FIELDS]
    ]
    blocks.append({"type": "section", "fields": fields})
    buttons = [
        _button(choice.verb, choice.label, choice.style, links[choice.verb])
        for choice in message.choices
        if choice.verb in links
    ]
    if buttons:
        blocks.append({"type": "actions", "block_id": message.id, "elements": buttons})
    note = f"`{message.study_id}` · {message.event} · {message.id}"
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": note}]})
    return {"text": escape(f"{mark} {message.text}".strip()), "blocks": blocks}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _cut(escape(text), _SECTION)}}


def _button(verb: str, label: str, style: str, url: str) -> dict[str, Any]:
    button: dict[str, Any] = {
        "type": "button",
        "action_id": verb,
        "text": {"type": "plain_text", "text": label},
        "url": url,
    }
    return {**button, "style": style} if style else button


def escape(text: str) -> str:
    """Take the meaning from what Slack would read as mark-up.

    >>> escape("<!channel> a & b")
    '&lt;!channel&gt; a &amp; b'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
