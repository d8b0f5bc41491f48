"""The `tunewright` command; it reads, checks and shows, and its exit code says how it went.

Exit codes: 0 done, 2 needs a person, 3 budget reached, 4 invalid, 5 failed.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import yaml

from tunewright.domain.document import document_of
from tunewright.domain.form import json_schema
from tunewright.domain.outline import Outline, outline
from tunewright.domain.prices import USD_PER_HOUR
from tunewright.domain.spec import StudySpec
from tunewright_client.cli_local import local
from tunewright_client.cli_studies import COMMANDS
from tunewright_client.show_plan import show_complaints, show_plan
from tunewright_client.spec_file import InvalidSpecError, SpecFile
from tunewright_client.uploads import Upload, find_uploads

INVALID = 4

_FILE = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tunewright")
def main() -> None:
    """Hands-off refinement of SageMaker tuning jobs."""


@main.command()
@_FILE
@_JSON
def plan(file: Path, *, as_json: bool) -> None:
    """Check a study and show what it would do; nothing is launched, and nothing is uploaded."""
    with _complaints(as_json=as_json):
        read = SpecFile.read(file)
        spec, uploads = read.spec(), find_uploads(read, file.parent)
    whole = outline(spec, USD_PER_HOUR, spec.budget)
    if as_json:
        told = _plan_json(spec, whole, uploads)
        click.echo(json.dumps(told, indent=2, default=str))
    else:
        show_plan(spec, whole, tuple(each.text for each in uploads))


@main.command()
@_FILE
@_JSON
def explain(file: Path, *, as_json: bool) -> None:
    """Write a study out with every key that it leaves to a default."""
    with _complaints(as_json=as_json):
        document = document_of(SpecFile.read(file).spec())
    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        click.echo(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), nl=False)


@main.command()
def schema() -> None:
    """Print the JSON Schema of spec files, for editors."""
    click.echo(json.dumps(json_schema(), indent=2))


for _each in (*COMMANDS, local):
    main.add_command(_each)


@contextmanager
def _complaints(*, as_json: bool) -> Iterator[None]:
    """Show what is wrong with a spec file, and leave."""
    try:
        yield
    except InvalidSpecError as error:
        if as_json:
            problems = [vars(each) for each in error.complaints]
            click.echo(json.dumps({"error": "invalid_spec", "problems": problems}, indent=2))
        else:
            show_complaints(error.complaints)
        sys.exit(INVALID)


def _plan_json(spec: StudySpec, whole: Outline, uploads: tuple[Upload, ...]) -> dict[str, Any]:
    return {
        "study": document_of(spec),
        "plan": whole.model_dump(mode="json"),
        "uploads": [each.line() for each in uploads],
    }
