"""The commands that talk to a stack's API: submit, look, command, answer."""

import hashlib
import json
import secrets
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from tunewright_client.api_client import ApiClient, ApiError
from tunewright_client.follow import follow
from tunewright_client.show_plan import show_complaints
from tunewright_client.show_studies import (
    decision_text,
    study_lines,
    study_table,
    trial_table,
    what_if_lines,
)
from tunewright_client.spec_file import InvalidSpecError, SpecFile, read_flow
from tunewright_client.uploads import find_uploads, send, with_uris

DONE, NEEDS_PERSON, BUDGET, INVALID, FAILED = 0, 2, 3, 4, 5
_INTERRUPTED = 130
_POLL_SECONDS = 5.0
_STUDY = click.argument("study")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
_URL = click.option(
    "--api",
    envvar="TUNEWRIGHT_API",
    required=True,
    help="The stack's API URL; or set TUNEWRIGHT_API.",
)
_REGION = click.option(
    "--region",
    envvar=["AWS_REGION", "AWS_DEFAULT_REGION"],
    default="us-east-1",
    show_default=True,
    help="The region to sign for.",
)


def talks(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the API, and show what that says no to."""

    @_URL
    @_REGION
    @wraps(command)
    def wrapped(*, api: str, region: str, **given: Any) -> None:  # noqa: ANN401 - click's
        try:
            command(ApiClient(api.rstrip("/"), region), **given)
        except ApiError as error:
            click.echo(f"{error.code}: {error}", err=True)
            for detail in error.details:
                click.echo(f"  {detail}", err=True)
            sys.exit(INVALID if 400 <= error.status < 500 else FAILED)

    return wrapped


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--again", is_flag=True, help="A new study, even if this file was submitted before.")
@_JSON
@talks
def submit(api: ApiClient, file: Path, *, again: bool, as_json: bool) -> None:
    """Submit a study; the same file again gives the same study.

    Local paths in training.inputs and training.script.source_dir are uploaded first; once.
    """
    try:
        spec = SpecFile.read(file)
        parsed = spec.spec()
        uploads = find_uploads(spec, file.parent)
    except InvalidSpecError as error:
        show_complaints(error.complaints)
        sys.exit(INVALID)
    document = spec.document
    if uploads:
        base = api.ask("GET", f"/profiles/{parsed.training.profile}")["uploads"]
        document = with_uris(document, uploads, base)
        api.ask("POST", "/studies/plan", document)  # What would be refused is not uploaded.
        send(uploads, base, api.region, lambda line: click.echo(line, err=True))
    kept = "\x00".join([str(file.resolve()), spec.text, *(each.digest for each in uploads)])
    key = secrets.token_hex(16) if again else hashlib.sha256(kept.encode()).hexdigest()
    study = api.ask("POST", "/studies", document, headers={"Idempotency-Key": key})
    if as_json:
        click.echo(json.dumps(study, indent=2))
    else:
        click.echo(f"{study['id']} is {study['phase']}; tunewright watch {study['id']}")


@click.command(name="list")
@_JSON
@talks
def list_studies(api: ApiClient, *, as_json: bool) -> None:
    """List studies with their best and what they have spent, the newest first."""
    studies = list(api.pages("/studies", "studies"))
    _print(studies, study_table(studies), as_json=as_json)


@click.command()
@_STUDY
@_JSON
@talks
def show(api: ApiClient, study: str, *, as_json: bool) -> None:
    """Show a study, round by round."""
    found = api.ask("GET", f"/studies/{study}")
    _print(found, study_lines(found), as_json=as_json)


@click.command()
@_STUDY
@click.option("--sort", type=click.Choice(["name", "created", "objective", "cost"]), default="name")
@click.option("--desc", is_flag=True, help="The greatest first.")
@click.option(
    "--front",
    metavar="QUANTITY",
    help="Only the Pareto front of the objective and cost, seconds or a metric to be little of.",
)
@_JSON
@talks
def trials(
    api: ApiClient, study: str, *, sort: str, desc: bool, front: str | None, as_json: bool
) -> None:
    """List a study's trials."""
    query = {"sort": sort, "order": "desc" if desc else "asc"}
    if front is not None:
        query["front"] = front
    found = list(api.pages(f"/studies/{study}/trials", "trials", query))
    _print(found, trial_table(found), as_json=as_json)


@click.command()
@_STUDY
@_JSON
@talks
def why(api: ApiClient, study: str, *, as_json: bool) -> None:
    """Say what was decided, and why."""
    found = list(api.pages(f"/studies/{study}/decisions", "decisions"))
    _print(found, [decision_text(each) for each in found], as_json=as_json)


@click.command()
@_STUDY
@click.argument("rules", nargs=-1, required=True)
@_JSON
@talks
def whatif(api: ApiClient, study: str, *, rules: tuple[str, ...], as_json: bool) -> None:
    """Replay a study's record under other stopping rules: what they would have saved, and lost.

    RULES are written as in a spec, such as 'not_improving: {trials: 10}'; any of them may fire.
    """
    try:
        body = {"stop": [read_flow(rule) for rule in rules]}
    except ValueError as error:
        click.echo(str(error), err=True)
        sys.exit(INVALID)
    found = api.ask("POST", f"/studies/{study}/whatif", body)
    _print(found, what_if_lines(found), as_json=as_json)


@click.command()
@_STUDY
@click.option("--every", default=_POLL_SECONDS, show_default=True, help="Seconds between looks.")
@talks
def watch(api: ApiClient, study: str, *, every: float) -> None:
    """Follow a study until it is done, or needs you; leave it and it goes on."""
    console = Console(highlight=False)
    try:
        sys.exit(follow(api, study, console, every=every, rests=exit_code))
    except KeyboardInterrupt:
        click.echo(f"{study} goes on; tunewright watch {study}", err=True)
        sys.exit(_INTERRUPTED)


def exit_code(study: dict[str, Any]) -> int | None:
    """Return the exit code for a study that rests; None while it goes on by itself."""
    phase = study["phase"]
    if phase in {"needs a person", "awaiting approval"}:
        return NEEDS_PERSON
    if phase in {"failed", "cancelled"}:
        return FAILED
    if phase == "done":
        ended_by_money = "is left, and the least round" in (study.get("ending") or "")
        return BUDGET if ended_by_money else DONE
    return None


def _command(name: str, about: str) -> click.Command:
    @click.command(name=name, help=about)
    @_STUDY
    @talks
    def told(api: ApiClient, study: str) -> None:
        found = api.ask("POST", f"/studies/{study}/{name}")
        click.echo(f"{found['id']} is told to {name}; it was {found['phase']}")

    return told


def _answer(name: str, about: str) -> click.Command:
    @click.command(name=name, help=about)
    @_STUDY
    @click.option("--plan", "plan_hash", help="The hash of the plan; the one shown, if left out.")
    @talks
    def answered(api: ApiClient, study: str, *, plan_hash: str | None) -> None:
        if plan_hash is None:
            planned = api.ask("GET", f"/studies/{study}").get("deployment")
            if planned is None:
                click.echo(f"{study} asks for no approval", err=True)
                sys.exit(INVALID)
            plan_hash = planned["hash"]
        body = {"answer": name, "plan_hash": plan_hash}
        api.ask("POST", f"/studies/{study}/approval", body)
        click.echo(f"{study} is answered: {name} plan {plan_hash}")

    return answered


def _print(found: Any, lines: list[str], *, as_json: bool) -> None:  # noqa: ANN401 - JSON
    click.echo(json.dumps(found, indent=2) if as_json else "\n".join(lines))


COMMANDS: tuple[click.Command, ...] = (
    submit,
    list_studies,
    show,
    trials,
    why,
    whatif,
    watch,
    _command("pause", "Start no new round; the running one goes on."),
    _command("resume", "Carry on."),
    _command("stop", "Stop searching now, keep the best, go on to deploy it."),
    _command("cancel", "Stop everything, deploy nothing."),
    _command("resync", "Look at every trial again and recount; also when it is over."),
    _answer("approve", "Approve the deployment that a study asks for."),
    _answer("reject", "Reject the deployment that a study asks for."),
)
