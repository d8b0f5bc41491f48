"""Shows studies, trials and decisions as lines that a person and `grep` can read."""

from collections.abc import Sequence
from typing import Any

from tunewright.domain.values import show_number


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Set rows under a head, each column as wide as its widest cell."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    return [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    ]


def study_table(studies: list[dict[str, Any]]) -> list[str]:
    """One line for each study: where it is, its best, what it has spent."""
    rows = [
        (
            each["id"],
            f"{each['rounds']}",
            best_text(each),
            f"{each['trials']}",
            f"{_dollars(each['spent'])}{_of(each['budget'])}",
            f"{each['phase']}{' (paused)' if each['paused'] else ''}",
        )
        for each in studies
    ]
    if not rows:
        return ["no studies yet; tunewright submit study.yaml"]
    return table(("STUDY", "ROUND", "BEST", "TRIALS", "SPENT/BUDGET", "STATE"), rows)


def study_lines(study: dict[str, Any]) -> list[str]:
    """A study whole: where it stands, then its rounds."""
    best = study["incumbent"]
    lines = [
        f"{study['id']}  {study['phase']}{' (paused)' if study['paused'] else ''}",
        f"  {study['goal']} {study['metric']}: best {value_text(study['best'])}"
        + (f" by {best['trial']}" if best else "")
        + (f", but {', '.join(best['breaks'])}" if best and best["breaks"] else ""),
        f"  spent {_dollars(study['spent'])}{_of(study['budget'])}, "
        f"{_dollars(study['ledger']['reserved'])} reserved",
    ]
    if study["ending"]:
        lines.append(f"  the search ended: {study['ending']}")
    if study["deployment"]:
        planned = study["deployment"]
        lines.append(f"  {planned['trial']} for {planned['endpoint']}, plan {planned['hash']}")
        answer, ended = planned["answer"], planned["lease_ended"]
        if answer:
            said = {"approve": "approved", "reject": "rejected"}[answer["kind"]]
            lines[-1] += f"; {said} by {answer['by']}"
        if ended:
            lines[-1] += f"; its lease ended {ended[:16].replace('T', ' ')} UTC"
    rows = [
        (
            f"{each['number']}",
            f"{each['finished']}/{each['trials_at_most']}",
            value_text(each["best"]),
            _dollars(each["spent"]),
            each["status"],
            each["stopped_by"] or "",
        )
        for each in study["round_list"]
    ]
    if rows:
        head = ("ROUND", "TRIALS", "BEST", "SPENT", "STATUS", "STOPPED BY")
        lines += ["", *(f"  {line}" for line in table(head, rows))]
    return lines


def trial_table(trials: list[dict[str, Any]]) -> list[str]:
    """One line for each trial, its searched parameters included."""
    if not trials:
        return ["no trials yet"]
    names = list(trials[0]["parameters"])
    rows = [
        (
            each["name"] + (" (knee)" if each.get("knee") else ""),
            each["status"],
            value_text(each["objective"]),
            _dollars(each["cost"]),
            *(_short(each["parameters"].get(name, "")) for name in names),
        )
        for each in trials
    ]
    return table(("TRIAL", "STATUS", "OBJECTIVE", "COST", *names), rows)


def decision_text(decision: dict[str, Any]) -> str:
    """A decision: its number, its kind, and its reason clause by clause."""
    head, *rest = decision["reason"].split("; ")
    first = f"#{decision['seq']:<3} {decision['at'][11:19]}  {decision['kind']}: {head}"
    return "\n".join([first, *(f"       {each}" for each in rest)])


def what_if_lines(found: dict[str, Any]) -> list[str]:
    """What other rules would have come to, where they fire, and what nobody can know."""
    lines = [found["sentence"]]
    lines += [
        f"  round {each['round_number']} after {each['trials']} trials, {each['rule']}: "
        f"{each['reason']}"
        for each in found["firings"]
    ]
    if not found["firings"]:
        lines.append("  none of these rules would have fired")
    lines += [
        f"  round {number} would have gone on: what more trials would have found is not recorded"
        for number in found["unknown_after"]
    ]
    return lines


def best_text(study: dict[str, Any]) -> str:
    """A study's best, and that it could not win where it breaks a limit of the winner."""
    return value_text(study["best"]) + (", beyond the limits" if study["best_breaks"] else "")


def value_text(value: float | None) -> str:
    """An objective, or a dash where there is none."""
    return "–" if value is None else show_number(value)


def spent_text(study: dict[str, Any]) -> str:
    """What a study has spent, of what it may."""
    limit = "" if study["budget"] is None else f" of {_dollars(study['budget'])}"
    return f"{_dollars(study['spent'])}{limit}"


def _short(text: str) -> str:
    try:
        return f"{float(text):.4g}"
    except ValueError:
        return text


def _dollars(amount: str) -> str:
    value = float(amount)
    return f"${value:.2g}" if 0 < value < 0.01 else f"${value:.2f}"


def _of(limit: str | None) -> str:
    return "" if limit is None else f"/{_dollars(limit)}"
