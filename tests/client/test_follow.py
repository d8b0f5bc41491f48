"""Following a study: plain lines where nobody watches, columns and a live line on a terminal."""

import io
from typing import Any

from rich.console import Console

from tunewright.domain.study import DecisionKind
from tunewright_client.follow import _STYLES, Follower

STUDY: dict[str, Any] = {
    "id": "churn-a1b2c3",
    "metric": "validation:auc",
    "best": 0.93,
    "best_breaks": [],
    "trials": 13,
    "spent": "0.5",
    "budget": "40",
    "paused": False,
    "phase": "searching",
    "round_list": [
        {"number": 2, "status": "running", "finished": 5, "trials_at_most": 8},
    ],
}
LONG = "round 2 is planned: " + "learning from tw-churn-a1b2c3-r01, " * 4


def decision(seq: int, kind: str, reason: str) -> dict[str, Any]:
    return {"seq": seq, "at": "2026-11-23T10:00:00Z", "kind": kind, "reason": reason}


def console(*, terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=60, color_system=None)


def shown(where: Console) -> str:
    assert isinstance(where.file, io.StringIO)
    return where.file.getvalue()


def test_what_is_piped_is_whole_lines_each_once() -> None:
    where = console(terminal=False)
    follower = Follower(where)
    decisions = [decision(1, "round planned", LONG + "; $1 is reserved")]
    with follower.alive():
        follower.show(STUDY, decisions)
        decisions.append(decision(2, "new best", "0.93 is the new best"))
        follower.show(STUDY, decisions)
    assert shown(where).splitlines() == [
        f"#1   10:00:00  round planned: {LONG}",
        "       $1 is reserved",
        "#2   10:00:00  new best: 0.93 is the new best",
    ]


def test_on_a_terminal_long_reasons_wrap_below_themselves() -> None:
    where = console(terminal=True)
    follower = Follower(where)
    follower.show(STUDY, [decision(1, "round planned", LONG + "; $1 is reserved")])
    first, *rest = shown(where).rstrip().splitlines()
    assert first.startswith("10:00:00")
    assert len(rest) >= 3
    assert all(line.startswith(" " * 11) for line in rest)
    assert all(len(line.rstrip()) <= 60 for line in (first, *rest))


def test_a_live_line_says_where_the_study_stands() -> None:
    where = Console(file=io.StringIO(), force_terminal=True, width=110, color_system=None)
    follower = Follower(where)
    with follower.alive():
        follower.show(STUDY, [])
        follower.show({**STUDY, "round_list": [], "paused": True}, [])
    text = shown(where)
    assert "5/8" in text
    assert "best validation:auc 0.93 · 13 trials · $0.50 of $40.00 · searching" in text
    assert "paused" in text


def test_a_best_that_could_not_win_is_told_so_in_the_live_line() -> None:
    where = Console(file=io.StringIO(), force_terminal=True, width=120, color_system=None)
    follower = Follower(where)
    with follower.alive():
        follower.show({**STUDY, "best_breaks": ["seconds is 28, not <= 5"]}, [])
    assert "best validation:auc 0.93, beyond the limits · 13 trials" in shown(where)


def test_every_style_is_of_a_kind_that_there_is() -> None:
    assert set(_STYLES) <= {str(kind) for kind in DecisionKind}
