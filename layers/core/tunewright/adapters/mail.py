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


def body(message: Message, links: dict[str, str]) -> str:
    """Write the body: the reason, where the study stands, and where to answer."""
    parts = [message.lines[0]]
    if len(message.lines) > 1:
        parts.append("\n".join(f"- {line}" for line in message.lines[1:]))
    width = max(len(label) for label, _ in message.facts)
    parts.append("\n".join(f"{label:<{width}}  {value}" for label, value in message.facts))
    for choice in message.choices:
        if choice.verb in links:
            parts.append(f"{choice.label}: {choice.asks}\n{links[choice.verb]}")
    parts.append(f"study {message.study_id}, decision {message.id}")
    return "\n\n".join(parts) + "\n"
