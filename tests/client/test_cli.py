"""A person's spec is checked before any request, and each problem is told with its line."""

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from tunewright.domain.expand import expand
from tunewright_client.cli import main

HERE = Path(__file__).parent
GOOD = HERE / "good.yaml"

# file: line, what is wrong, what would be right
BROKEN = {
    "unknown_key": (5, "instanse: there is no such key", "did you mean instance?"),
    "min_above_max": (12, "max_depth: the least value 6 is above the greatest 2", "swap them"),
    "log_range_at_zero": (11, "a log range must start above 0", "0.0003 would be right"),
    "too_many_parameters": (10, "has 31 parameters", "move 1 of them to training.fixed"),
    "one_value_range": (12, "is one value only", "move max_depth: 4 to training.fixed"),
    "bad_name": (1, "'Churn_XGB' is no study name", "churn-xgb would do"),
    "missing_channel": (
        6,
        "lacks the channel validation",
        "add validation: s3://bucket/validation/",
    ),
    "budget_too_small": (14, "$0.10 does not pay for one round", "at least $0.19 would be right"),
    "metric_without_regex": (2, "nothing finds validation:auc in the log", "training.metrics"),
    "yaml_typo": (14, "this is no YAML", "a key is written `key: value`"),
}


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, arguments)
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_plan_of_a_broken_spec_says_where_and_what_would_be_right(name: str) -> None:
    line, wrong, right = BROKEN[name]
    path = HERE / "broken" / f"{name}.yaml"
    code, out, err = run("plan", str(path))
    assert code == 4
    assert not out
    assert f"{path}:{line}:" in err
    assert wrong in err
    assert right in err
    assert "Nothing was launched." in err


def test_every_broken_file_is_tested() -> None:
    assert {path.stem for path in (HERE / "broken").iterdir()} == set(BROKEN)


def test_problems_come_as_json_too() -> None:
    code, out, _ = run("plan", "--json", str(HERE / "broken" / "bad_name.yaml"))
    told = json.loads(out)
    assert code == 4
    assert told["error"] == "invalid_spec"
    assert told["problems"][0]["line"] == 1
    assert told["problems"][0]["where"] == "study"


def test_plan_shows_ranges_rounds_and_money() -> None:
    code, out, _ = run("plan", str(GOOD))
    assert code == 0
    assert "churn: maximize validation:auc" in out
    assert "eta        0.01–0.3 (log)  may be widened to 0.001–0.5" in out
    # 24 trials are cut into three rounds; 8 trials × (600 s + 120 s) × $0.23 an hour
    assert "8 trials × ≤ 10 min; worst $0.37" in out
    assert "Nothing was launched." in out


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("parallel: 2", "parallel: 2, strategy: random"),
        ("study: ", 'winner: {subject_to: {seconds: "<= 60"}}\nstudy: '),
    ],
)
def test_plan_says_that_ranges_of_a_random_search_or_under_limits_may_shrink(
    tmp_path: Path, old: str, new: str
) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(GOOD.read_text().replace(old, new, 1))
    code, out, _ = run("plan", str(path))
    assert code == 0
    assert "eta        0.01–0.3 (log)  may move within 0.001–0.5" in out


def test_plan_as_json_holds_the_whole_study() -> None:
    code, out, _ = run("plan", "--json", str(GOOD))
    told = json.loads(out)
    assert code == 0
    assert told["plan"]["rounds"] == 3
    assert told["study"]["training"]["instance"] == "ml.m5.xlarge"


def test_what_explain_writes_is_the_same_study() -> None:
    code, out, _ = run("explain", str(GOOD))
    assert code == 0
    explicit = yaml.safe_load(out)
    assert expand(explicit) == expand(yaml.safe_load(GOOD.read_text()))
    assert run("explain", "--json", str(GOOD))[1].startswith("{")


def test_a_key_that_stands_twice_is_told(tmp_path: Path) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text(GOOD.read_text() + "budget: 3 USD\n")
    code, _, err = run("plan", str(path))
    assert code == 4
    assert f"{path}:15: budget: stands here twice; the first is on line 14" in err


def test_yaml_that_turns_keys_into_truth_is_told(tmp_path: Path) -> None:
    path = tmp_path / "on.yaml"
    path.write_text(GOOD.read_text() + "on: [started]\n")
    code, _, err = run("plan", str(path))
    assert code == 4
    assert "YAML reads on, yes and no as true/false" in err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "a study is a mapping"),
        (b"\xff\xfe", "no text in UTF-8"),
        (b"- 1", "a study is a mapping"),
    ],
)
def test_what_is_no_spec_at_all_is_told(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes(content)
    code, _, err = run("plan", str(path))
    assert code == 4
    assert message in err


def test_a_file_that_is_not_there_is_told() -> None:
    code, _, err = run("plan", "nowhere.yaml")
    assert code == 4
    assert "cannot be read" in err


def test_the_schema_is_printed() -> None:
    code, out, _ = run("schema")
    assert code == 0
    assert json.loads(out)["title"] == "Tunewright study"
