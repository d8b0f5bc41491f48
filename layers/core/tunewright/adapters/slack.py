"""Renders messages as Slack's Block Kit; it sends nothing.

Limits of Slack's: 150 characters of a header, 3,000 of a section, 10 fields of 2,000, 50 blocks,
300 of what a confirmation says.
"""

from typing import Any

from tunewright.domain.message import Choice, Level, Message

LOOK = "look"
"""The action of the button that leads to the page: Slack tells of it, and it answers nothing."""
_HEADER, _SECTION, _FIELD, _FIELDS, _CONFIRM = 150, 3000, 2000, 10, 300
_MARKS = {Level.NEEDS_ME: "🔔", Level.TROUBLE: "⚠️", Level.NEWS: ""}


def render(message: Message, *, interactive: bool = False) -> dict[str, Any]:
    """Render a message.

    Args:
        message: The message; without a link it has no buttons.
        interactive: Whether Slack tells us of pressed buttons, so that they may answer.
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
    if message.link is not None:
        answers = [_answer(each, message) for each in message.choices] if interactive else []
        buttons = [*answers, _look(message.link, first=not answers)]
        blocks.append({"type": "actions", "block_id": message.id, "elements": buttons})
    notes = " · ".join(f"{about}: `{command}`" for about, command in message.commands)
    if notes:
        blocks.append(_context(notes))
    blocks.append(_context(f"study `{message.study_id}`, {message.about} {message.id}"))
    return {"text": escape(f"{mark} {message.text}".strip()), "blocks": blocks}


def render_answer(said: str) -> dict[str, Any]:
    """Render what takes the place of a question that was answered in Slack."""
    return {"replace_original": True, "text": escape(said), "blocks": [_section(said)]}


def _context(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _cut(escape(text), _SECTION)}}


def _answer(choice: Choice, message: Message) -> dict[str, Any]:
    """A button that answers; its value is what we signed, and Slack asks once more."""
    return {
        "type": "button",
        "action_id": choice.verb,
        "text": {"type": "plain_text", "text": choice.label},
        "style": choice.style,
        "value": f"{choice.verb} {message.token}",
        "confirm": {
            "title": {"type": "plain_text", "text": choice.asks},
            "text": {"type": "plain_text", "text": _cut(message.lines[0], _CONFIRM)},
            "confirm": {"type": "plain_text", "text": choice.label},
            "deny": {"type": "plain_text", "text": "Not yet"},
        },
    }


def _look(link: str, *, first: bool) -> dict[str, Any]:
    button: dict[str, Any] = {
        "type": "button",
        "action_id": LOOK,
        "text": {"type": "plain_text", "text": "Look and decide"},
        "url": link,
    }
    return {**button, "style": "primary"} if first else button


def escape(text: str) -> str:
    """Take the meaning from what Slack would read as mark-up.

    >>> escape("<!channel> a & b")
    '&lt;!channel&gt; a &amp; b'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
