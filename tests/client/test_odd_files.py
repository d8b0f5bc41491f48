"""Whatever stands in a file, a person gets a line and a sentence, and never a traceback."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from tunewright_client.cli import main

GOOD = Path(__file__).parent / "good.yaml"


def plan(text: str, tmp_path: Path) -> tuple[int, str]:
    file = tmp_path / "study.yaml"
    file.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(main, ["plan", str(file)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("a: &a [*a]\n", 1, "an anchor that holds itself"),
        ("a: " + "[" * 3000 + "]" * 3000, 1, "nested too deep"),
        ("\nbudget: " + "9" * 5000, 2, "is no whole number"),
        ("\nstudy: a\x01b\n", 2, "has no place in YAML"),
        ("study: 2020-09-09T10:00:00\n", 1, "no study name"),
    ],
)
def test_what_yaml_cannot_hold_is_told(text: str, line: int, told: str, tmp_path: Path) -> None:
    code, out = plan(text + GOOD.read_text().partition("\n")[2] * ("2020" in text), tmp_path)
    assert code == 4
    assert f"study.yaml:{line}:" in out
    assert told in out


ODD = [None, [], {}, "", 0, -1, float("nan"), float("inf"), 10**400, "é", [[1]], True, [None]]
PLACES = [
    ("training", "max_run"),
    ("training", "count"),
    ("training", "definition"),
    ("search_space", "eta", "range"),
    ("rounds", "config"),
    ("rounds", "config", "ResourceLimits"),
    ("rounds", "seed"),
    ("objective", "target"),
    ("budget",),
    ("stop",),
    ("refine",),
    ("refine", "keep_exploring"),
    ("refine", "when"),
    ("deploy",),
    ("deploy", "lease"),
    ("deploy", "count"),
]


@pytest.mark.parametrize("place", PLACES, ids=".".join)
def test_odd_values_are_problems_and_not_tracebacks(place: tuple[str, ...], tmp_path: Path) -> None:
    for odd in ODD:
        document = yaml.safe_load(GOOD.read_text())
        if place[0] == "deploy":
            document["deploy"] = {"to": "prod"}
        holder = document
        for key in place[:-1]:
            holder = holder.setdefault(key, {})
        holder[place[-1]] = odd
        assert plan(yaml.safe_dump(document, sort_keys=False), tmp_path)[0] in {0, 4}


def test_a_merge_key_may_be_overridden_and_small_numbers_may_be_written_as_people_do(
    tmp_path: Path,
) -> None:
    text = GOOD.read_text().replace(
        "  eta: {range: [0.01, 0.3], log: true}\n",
        "  eta: &wide {range: [1e-5, 0.3], log: true}\n  gamma: {<<: *wide, range: [1e-2, 5.0]}\n",
    )
    code, out = plan(text, tmp_path)
    assert (code, "1e-05–0.3 (log)" in out, "0.01–5 (log)" in out) == (0, True, True), out


def test_an_instance_without_a_price_is_told_with_and_without_a_budget(tmp_path: Path) -> None:
    text = GOOD.read_text().replace("training:\n", "training:\n  instance: ml.x9.huge\n")
    for each in (text, text.replace("budget: 20 USD\n", "")):
        code, out = plan(each, tmp_path)
        assert code == 4
        assert "no price is known of ml.x9.huge" in out


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("budget:", "on:", 14),
        ("  max_depth:", "  1:", 12),
        ("num_round: 50", "3: 50", 9),
    ],
)
def test_a_key_that_is_no_text_is_told_with_its_line(
    old: str, new: str, line: int, tmp_path: Path
) -> None:
    code, out = plan(GOOD.read_text().replace(old, new), tmp_path)
    assert code == 4
    assert f"study.yaml:{line}:" in out
    assert "is no text" in out
