"""Follows a study: decisions as they come, and on a terminal one line below that is alive."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tunewright_client.api_client import ApiClient
from tunewright_client.show_studies import best_text, decision_text, spent_text

Json = dict[str, Any]
_STYLES = {
    "new best": "bold green",
    "deployed": "bold green",
    "done": "bold green",
    "stopping round": "yellow",
    "needs a person": "bold red",
    "approval needed": "bold red",
    "failed": "bold red",
}
"""How the kinds of decisions stand out; all others are plain."""
_BAR = 24
_WIDEST = 110


class Follower:
    """Shows what is new of a study.

    Args:
        console: Where; what is no terminal gets plain lines, each whole.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told = 0
        self._live: Live | None = None

    @contextmanager
    def alive(self) -> Iterator[None]:
        """Keep the last line alive meanwhile, on a terminal."""
        if not self._console.is_terminal:
            yield
            return
        with Live(console=self._console, refresh_per_second=4, transient=True) as self._live:
            yield
        self._live = None

    def show(self, study: Json, decisions: list[Json]) -> None:
        """Show the decisions that were not shown yet, and where the study stands.

        Args:
            study: The study, as the API tells it.
            decisions: All of its decisions.
        """
        for each in decisions[self._told :]:
            if self._console.is_terminal:
                self._console.print(_row(each, min(self._console.width, _WIDEST)))
            else:
                # Not by rich: a line that something else reads is not wrapped.
                self._console.file.write(decision_text(each) + "\n")
        self._console.file.flush()
        self._told = len(decisions)
        if self._live is not None:
            self._live.update(_standing(study), refresh=True)


def _row(decision: Json, width: int) -> RenderableType:
    """Set a decision in columns, so that what is long wraps below itself."""
    kind = decision["kind"]
    head, *rest = decision["reason"].split("; ")
    style = _STYLES.get(kind, "")
    row = Table.grid(padding=(0, 2))
    row.width = width
    row.add_column(width=9, no_wrap=True)
    row.add_column(ratio=1, overflow="fold")
    row.add_row(
        Text(decision["at"][11:19], style="dim"),
        Text.assemble((kind, f"{style} bold".strip()), "  ", (head, style)),
    )
    for each in rest:
        row.add_row("", Text(each, style="dim"))
    return row


def _standing(study: Json) -> RenderableType:
    """Say in a line where the study stands: the live round, the best, the money."""
    facts = [
        f"best {study['metric']} {best_text(study)}",
        f"{study['trials']} trials",
        spent_text(study),
        "paused" if study["paused"] else str(study["phase"]),
    ]
    line = Table.grid(padding=(0, 2))
    rounds = study["round_list"]
    if rounds and rounds[-1]["status"] != "closed":
        live = rounds[-1]
        done, most = live["finished"], live["trials_at_most"]
        line.add_row(
            Text(f"round {live['number']}", style="bold"),
            ProgressBar(total=most, completed=done, width=_BAR, complete_style="green"),
            f"{done}/{most}",
            Text(" · ".join(facts)),
        )
    else:
        line.add_row(Text(study["id"], style="bold"), Text(" · ".join(facts)))
    return Group(Text(), line)


def follow(
    api: ApiClient,
    study_id: str,
    console: Console,
    *,
    every: float,
    rests: Callable[[Json], int | None],
) -> int:
    """Follow a study until it rests.

    Args:
        api: The API.
        study_id: The study.
        console: Where to show it.
        every: Seconds between two looks.
        rests: Gives the exit code of a study that rests, None of one that goes on.

    Raises:
        ApiError: The API cannot be reached, or said no.
    """
    follower = Follower(console)
    with follower.alive():
        while True:
            study = api.ask("GET", f"/studies/{study_id}")
            decisions = list(api.pages(f"/studies/{study_id}/decisions", "decisions"))
            follower.show(study, decisions)
            code = rests(study)
            if code is not None:
                return code
            time.sleep(every)
