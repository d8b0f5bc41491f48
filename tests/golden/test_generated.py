"""The generated files are current, and the published schema admits what the domain admits."""

import json
from pathlib import Path

import yaml

from tests.golden.check import GENERATED, ROOT, stale
from tunewright.domain.form import StudyForm, json_schema


def test_generated_files_are_current() -> None:
    assert stale() == []


def test_a_stale_file_is_noticed(monkeypatch, tmp_path: Path) -> None:  # noqa: ANN001
    monkeypatch.setattr("tests.golden.check.ROOT", tmp_path)
    assert stale() == list(GENERATED)


def test_the_published_schema_knows_every_key_of_the_demos_spec() -> None:
    schema = json.loads((ROOT / "docs/reference/study.schema.json").read_text())
    spec = yaml.safe_load((ROOT / "examples/demo/study.yaml").read_text())
    assert spec.keys() <= schema["properties"].keys()
    assert schema["properties"].keys() == StudyForm.model_fields.keys()
    assert json_schema()["$schema"].startswith("https://json-schema.org/")
