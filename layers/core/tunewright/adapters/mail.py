"""Renders messages as plain e-mails; it sends nothing.

SNS takes subjects of fewer than 100 characters, in ASCII, without line breaks.
"""

from tunewright.domain.message import Level, Message

_SUBJECT = 99
_PLAIN = {"·": "-", "×": "x", "–": "-", "−": "-", "→": "->", "…": "..."}
_MARKS = {Level.NEEDS_ME: "[needs you] ", Level.TROUBLE: "[trouble] ", Level.NEWS: ""}


def subject(message: Message) -> str:
    """Write the subject."""
    text = _MARKS[message.level] + message.title
    for fancy, plain in _PLAIN.items():
        text = text.replace(fancy, plain)
    flat = " ".join(text.encode("ascii", "ignore").decode().split())
    return flat[:_SUBJECT]


def body(message: Message) -> str:
    """Write the body: the reason, where the study stands, where to answer, and what else to do."""
    parts = [message.lines[0]]
    if len(message.lines) > 1:
        parts.append("\n".join(f"- {line}" for line in message.lines[1:]))
    width = max(len(label) for label, _ in message.facts)
    parts.append("\n".join(f"{label:<{width}}  {value}" for label, value in message.facts))
    if message.link is not None:
        parts.append(f"Look and decide (the link lasts three days):\n{message.link}")
    if message.commands:
        wide = max(len(about) for about, _ in message.commands)
        rows = (f"{about:<{wide}}  {command}" for about, command in message.commands)
        parts.append("\n".join(rows))
    parts.append(f"study {message.study_id}, {message.about} {message.id}")
    return "\n\n".join(parts) + "\n"
