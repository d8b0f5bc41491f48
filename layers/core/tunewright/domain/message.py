"""Writes a decision as a message to people: one model, of which each channel is a rendering."""

import re
from enum import StrEnum

from tunewright.domain.spec import Event
from tunewright.domain.study import EVENTS, Decision, DecisionKind, Hold, Phase, Standing
from tunewright.domain.values import Value, show_gain, show_money, show_number


class Level(StrEnum):
    """How much a message asks of its reader."""

    NEEDS_ME = "needs_me"
    TROUBLE = "trouble"
    NEWS = "news"


class Choice(Value):
    """Something that the reader may answer with.

    Attributes:
        verb: What it tells the study, such as `approve`.
        label: What stands on the button.
        asks: What the reader confirms by it.
        style: `primary`, `danger` or nothing.
    """

    verb: str
    label: str
    asks: str
    style: str = ""


class Message(Value):
    """A message, without the manners of any channel.

    Attributes:
        id: The decision, or what else it tells of; a channel shows each id once.
        study_id: The study.
        event: What kind of news it is.
        level: How much it asks of its reader.
        title: The first line: enough on a phone.
        lines: The decision's reason, clause by clause.
        facts: Where the study stands: label and value.
        choices: What the reader may answer.
        plan_hash: What an approval is for; None if nothing is to be approved.
        link: The page on which it may be answered; None if there is none.
        commands: What the reader may type next: what it is for, and the command.
        about: What the id names, as the last line says it.
    """

    id: str
    study_id: str
    event: Event
    level: Level
    title: str
    lines: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    choices: tuple[Choice, ...] = ()
    plan_hash: str | None = None
    link: str | None = None
    commands: tuple[tuple[str, str], ...] = ()
    about: str = "decision"

    @property
    def token(self) -> str | None:
        """The signed token at the end of the link."""
        return None if self.link is None else self.link.rpartition("/")[2]

    @property
    def text(self) -> str:
        """The whole of it in one line, for where only a line is shown."""
        stop = "" if self.title.endswith("?") else "."
        return f"{self.title}{stop} {self.lines[0]}"


_CLAUSE = re.compile(r"; |(?<=\?) ")
_WORD = re.compile(r"[a-z]+(?: |$)")
_LEVELS = {Event.NEEDS_ME: Level.NEEDS_ME, Event.TROUBLE: Level.TROUBLE}


def message_of(decision: Decision, told: tuple[Event, ...]) -> Message | None:
    """Write a decision as a message.

    Args:
        decision: The decision.
        told: The events that the study's owner wants to be told of.

    Returns:
        The message; None if nobody is to be told.
    """
    event = EVENTS.get(decision.kind)
    if event is None or event not in told or _is_repeated_start(decision):
        return None
    plan_hash = decision.numbers.get("plan_hash")
    asks = decision.kind is DecisionKind.APPROVAL_NEEDED and isinstance(plan_hash, str)
    return Message(
        id=decision.id,
        study_id=decision.study_id,
        event=event,
        level=_LEVELS.get(event, Level.NEWS),
        title=f"{decision.standing.study} · {_headline(decision)}",
        lines=_sentences(decision),
        facts=_facts(decision.standing),
        choices=_approval() if asks else (),
        plan_hash=plan_hash if asks else None,
        commands=_commands(decision, asks=asks),
    )


def _is_repeated_start(decision: Decision) -> bool:
    """Later rounds are announced by their ranges; that they run, too, is no news."""
    return decision.kind is DecisionKind.ROUND_STARTED and decision.round_number > 1


def _approval() -> tuple[Choice, ...]:
    return (
        Choice(verb="approve", label="Approve", asks="Let it go live?", style="primary"),
        Choice(verb="reject", label="Reject", asks="Leave it undeployed?", style="danger"),
    )


def _commands(decision: Decision, *, asks: bool) -> tuple[tuple[str, str], ...]:
    study = decision.study_id
    why = ("See why", f"tunewright why {study}")
    stop = ("Stop it", f"tunewright stop {study}")
    if asks:
        return (
            ("Approve", f"tunewright approve {study}"),
            ("Reject", f"tunewright reject {study}"),
            why,
        )
    match decision.standing.phase:
        case Phase.NEEDS_PERSON:
            return (("Carry on", f"tunewright resume {study}"), stop, why)
        case Phase.SEARCHING:
            return (why, stop)
        case _:
            return (why,)


_HEADLINES = {
    DecisionKind.ROUND_STARTED: "the search has started",
    DecisionKind.NEW_BEST: "new best {value}{gained}",
    DecisionKind.ROUND_DONE: "round {number} is done{best}",
    DecisionKind.REFINED: "ranges for round {number}",
    DecisionKind.SEARCH_ENDED: "the search has ended{best}",
    DecisionKind.ROUND_REFUSED: "SageMaker refused round {number}",
    DecisionKind.WAITING: "round {number} waits for capacity",
    DecisionKind.HELD: "{held}",
    DecisionKind.APPROVAL_NEEDED: "may it go live?",
    DecisionKind.NEEDS_PERSON: "it needs you",
    DecisionKind.NOT_DEPLOYED: "it was not deployed",
    DecisionKind.FAILED: "it has failed",
    DecisionKind.DONE: "it is done{best}",
    DecisionKind.LEASE_ENDED: "its lease has ended",
}


_HELD = {Hold.BUDGET: "it waits for the stack's budget", Hold.PAUSED: "the stack is paused"}


def _headline(decision: Decision) -> str:
    standing, value = decision.standing, decision.numbers.get("value")
    return _HEADLINES[decision.kind].format(
        number=decision.round_number,
        best="" if standing.best is None else f", best {_best(standing)}",
        value="" if value is None else show_number(value),
        gained=_gained(decision),
        held=_HELD.get(decision.numbers.get("held", ""), ""),
    )


def _gained(decision: Decision) -> str:
    before, value = decision.numbers.get("before"), decision.numbers.get("value")
    if before is None or value is None:
        return ""
    gain = abs(value - before)
    return f" ({show_gain(gain)} better)"


def _sentences(decision: Decision) -> tuple[str, ...]:
    """Cut a reason at its clauses and questions, each of which begins like a sentence.

    What begins with the name of a parameter, a metric or a job is left as it is: names are names.
    """
    first, *rest = [each for each in _CLAUSE.split(decision.reason) if each]
    if decision.kind is DecisionKind.REFINED:
        return (_begun(first), *rest)
    return (_begun(first), *(_begun(each) for each in rest))


def _begun(clause: str) -> str:
    return clause[0].upper() + clause[1:] if _WORD.match(clause) else clause


def _best(standing: Standing) -> str:
    if standing.best is None:
        return "none yet"
    return f"{show_number(standing.best)}{', beyond the limits' if standing.breaks else ''}"


def _facts(standing: Standing) -> tuple[tuple[str, str], ...]:
    spent = show_money(standing.spent)
    if standing.limit is not None:
        spent += f" of {show_money(standing.limit)}"
    rounds = "round" if standing.rounds == 1 else "rounds"
    trials = "trial" if standing.trials == 1 else "trials"
    return (
        (f"Best {standing.metric}", _best(standing)),
        ("Spent", spent),
        ("So far", f"{standing.trials} {trials} in {standing.rounds} {rounds}"),
    )
