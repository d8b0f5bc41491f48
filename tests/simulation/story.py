"""What a schedule is about: who submits what, and what they say when; all of it from the seed."""

import random
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from tests.simulation.tuning import Luck
from tests.simulation.watch import Terms
from tests.support.build import document

TOLD = ["started", "new_best", "round_done", "trouble", "needs_me", "done"]
LEASE = 1200
MEDIAN, LEAST = 60, 32  # seconds of a trial, which last from 30 to 90


@dataclass(frozen=True)
class Part:
    """One person's part."""

    name: str
    document: dict[str, Any]
    begins: float = 0.0
    words: tuple[tuple[float, str], ...] = ()
    curious: bool = False


@dataclass(frozen=True)
class Story:
    """Everybody's parts, how trials end, and who else uses the account."""

    parts: tuple[Part, ...]
    luck: Luck = field(default_factory=Luck)
    foreign_round: bool = False
    endpoint_fails: float = 0.0
    refuses_warm_start: bool = False


def spec(**changes: Any) -> dict[str, Any]:
    """A study of rounds of four trials: too few for the surrogate."""
    base: dict[str, Any] = {
        "rounds": {"max": 3, "trials": 4, "parallel": 2, "sizes": "fixed"},
        "refine": {"when": {"gain_above": 0}},
        "notify": {"events": TOLD},
        "budget": "20 USD",
    }
    return document(**{**base, **changes})


def deploy(**changes: Any) -> dict[str, Any]:
    """A deployment for twenty minutes."""
    return {"to": "prod", "instance": "ml.m5.large", "lease": "20m", **changes}


def terms_of(made: dict[str, Any]) -> Terms:
    """Read the terms from a document as a person would."""
    rounds, going = made["rounds"], made.get("deploy")
    return Terms(
        document=made,
        budget=Decimal(made["budget"].removesuffix(" USD")),
        trials=rounds["max"] * rounds["trials"],
        max_run=600,
        lease=LEASE if going else 0,
        approve=bool(going and going.get("approve")),
        most_seconds=_most_seconds(made),
        told=frozenset(made["notify"]["events"]),
    )


def _most_seconds(made: dict[str, Any]) -> int | None:
    limits = made.get("winner", {}).get("subject_to", {})
    return int(limits["seconds"].removeprefix("<= ")) if limits else None


CERTAIN = Luck(failed=0.0, unlucky=0.0, silent=0.0, late=0.0)
FAULT_FREE: dict[str, Story] = {
    "deploy": Story((Part("ana", spec(deploy=deploy())),), CERTAIN),
    "stop": Story((Part("ana", spec(deploy=deploy()), words=((170.0, "stop"),)),), CERTAIN),
    "cancel": Story((Part("ana", spec(), words=((120.0, "cancel"),)),), CERTAIN),
    "approval": Story(
        (Part("ana", spec(rounds={"max": 1, "trials": 4, "parallel": 2, "sizes": "fixed"},
                          deploy=deploy(approve=True))),), CERTAIN,
    ),
    "failure": Story((Part("ana", spec(stop=[{"failures": {"share": "50%", "after": 2}}])),),
                     replace(CERTAIN, failed=1.0)),
}  # fmt: skip
"""The paths on which a fault is tried at every call."""


def large(story: Story) -> Story:
    """Give a story rounds of fourteen trials, by which the surrogate refines, and judges some."""
    regret = {"regret": {"below": "20% of spread", "chance": 0.6, "warm_up": 8}}
    sizes = {"max": 2, "trials": 14, "parallel": 4, "sizes": "fixed", "strategy": "bayesian"}
    changes = {"rounds": sizes, "budget": "20 USD"}
    parts = tuple(
        replace(each, document={**each.document, **changes, **_also(each, regret)})
        for each in story.parts
    )
    return replace(story, parts=parts)


def _also(part: Part, rule: dict[str, Any]) -> dict[str, Any]:
    """Add a rule to those of a part that has its own."""
    own = part.document.get("stop")
    return {} if own is None else {"stop": [*own, rule]}


def draw(seed: str) -> Story:
    """Make a story from a seed."""
    luck = random.Random(f"{seed}/story")  # noqa: S311 - a simulation's luck
    people = luck.choices((1, 2, 3), (6, 3, 1))[0]
    parts = tuple(_part(luck, name) for name in ("ana", "bob", "eve")[:people])
    # By luck of its own: what else a seed tells stays as it was.
    wishes = random.Random(f"{seed}/winner")  # noqa: S311 - a simulation's luck
    return Story(
        tuple(_wishing(wishes, each) for each in parts),
        Luck(
            failed=luck.choice((0.0, 0.05, 0.05, 0.4)),
            silent=luck.choice((0.0, 0.05, 0.2)),
            late=luck.choice((0.0, 0.1, 0.4)),
            lost_rounds=luck.choice((0.0, 0.0, 0.1)),
        ),
        foreign_round=luck.random() < 0.08,
        endpoint_fails=luck.choice((0.0, 0.0, 0.2)),
        refuses_warm_start=luck.random() < 0.1,
    )


def _part(luck: random.Random, name: str) -> Part:
    changes: dict[str, Any] = {}
    if luck.random() < 0.7:
        changes["deploy"] = deploy(approve=luck.random() < 0.5)
        if luck.random() < 0.3:
            changes["deploy"]["when"] = {"better_than_live_by": 0.001}
    changes["rounds"] = {
        "max": luck.choice((1, 2, 3)), "trials": 4, "parallel": luck.choice((1, 2, 4)),
        "sizes": "fixed", "strategy": luck.choice(("random", "bayesian")),
    }  # fmt: skip
    if luck.random() < 0.25:  # A round's worst case is 0.288 USD: enough for one or two of them.
        money = luck.choice((0.29, 0.3, 0.32)) + (0.12 if "deploy" in changes else 0.0)
        changes["budget"] = f"{money:.2f} USD"
    rules = (
        [{"failures": {"share": "50%", "after": 2}}],
        [{"not_improving": {"trials": 3, "min_gain": 0.001}}],
        [{"target": 0.88}],
        [{"no_metric": {"after": 2}}],
    )
    if luck.random() < 0.5:
        changes["stop"] = luck.choice(rules)
    words: list[tuple[float, str]] = []
    if luck.random() < 0.4:
        menu = ("pause", "resume", "stop", "cancel", "resync", "resync")
        words = sorted((luck.uniform(5, 900), luck.choice(menu)) for _ in range(luck.randint(1, 4)))
    return Part(name, spec(**changes), luck.uniform(0, 60), tuple(words))


def _wishing(wishes: random.Random, part: Part) -> Part:
    """Give some a limit that about half of the trials keep; with the least hardly any does."""
    limit = wishes.choice((None, None, None, MEDIAN, LEAST))
    if limit is None:
        return part
    winner = {"subject_to": {"seconds": f"<= {limit}"}}
    return replace(part, document={**part.document, "winner": winner})
