"""`python -m tunewright_local up|status|down|env`: what `tunewright local` hands over to."""

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import click

from sagemaker_local import sdk
from tunewright_local.front import API, INBOX
from tunewright_local.guard import RealAwsError, check
from tunewright_local.instance import Folder, Instance, RunsAlreadyError
from tunewright_local.process import NotStartedError, launch, stop
from tunewright_local.status import show_status

INVALID, FAILED = 4, 5
DEFAULT = Path(".tunewright/local")
_DIR = click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT,
    show_default=True,
    help="The folder of all state.",
)


@click.group()
def main() -> None:
    """A cloud on this machine: AWS and SageMaker on one port, with Tunewright deployed into it."""


@main.command()
@_DIR
@click.option("--port", type=click.IntRange(0, 65535), help="Default: the former one, or 4566.")
@click.option("--detach", is_flag=True, help="Come back once it is ready; it goes on.")
@click.option("--cpus", type=click.IntRange(1), help="Threads given to each training job.")
@click.option(
    "--chaos",
    type=int,
    metavar="SEED",
    help="A bad day: events lost, doubled and late, services away, functions killed.",
)
def up(
    *, folder: Path, port: int | None, detach: bool, cpus: int | None, chaos: int | None
) -> None:
    """Start it, or go on from where it was; deploy what has changed."""
    try:
        check(os.environ, Path.home())
    except RealAwsError as error:
        _fail(str(error), INVALID)
    if detach:
        _detach(folder, port, cpus, chaos)
        return
    from tunewright_local.cloud import LocalCloud  # noqa: PLC0415 - it takes a second to import
    from tunewright_local.deployment import DeploymentError  # noqa: PLC0415

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    ended = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: ended.set())
    # What is real is not for the functions and trials that run here
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    former = Folder(folder).read()
    chosen = port if port is not None else (former.port if former else 4566)
    cloud = LocalCloud(folder, port=chosen, cpus=cpus, chaos=chaos)
    began = time.monotonic()
    try:
        cloud.start()
    except (RunsAlreadyError, DeploymentError) as error:
        _fail(str(error), FAILED)
    except OSError as error:
        _fail(f"port {chosen} cannot be had: {error}; choose another with --port", FAILED)
    try:
        _say_ready(cloud.instance, time.monotonic() - began)
        while not ended.wait(1.0):
            pass  # A signal may reach another thread: its handler runs when this one wakes.
    finally:
        click.echo("stopping")
        cloud.close()


@main.command()
@_DIR
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def status(*, folder: Path, as_json: bool) -> None:
    """Say what runs: studies, training jobs, port, process, memory."""
    instance = Folder(folder).read()
    if instance is None or not instance.runs:
        click.echo(json.dumps({"runs": False}) if as_json else f"nothing runs in {folder}")
        sys.exit(FAILED)
    show_status(instance, as_json=as_json)


@main.command()
@_DIR
def down(*, folder: Path) -> None:
    """Stop it; what was running is taken up by the next `up`."""
    instance = Folder(folder).read()
    if instance is None or not instance.runs:
        click.echo(f"nothing runs in {folder}")
        return
    try:
        stop(instance)
    except NotStartedError as error:
        _fail(str(error), FAILED)
    click.echo(f"stopped; all state is in {folder}")


@main.command()
@_DIR
@click.option(
    "--sdk", "for_sdk", is_flag=True, help="For the SageMaker SDKs too: a role, and a shim for STS."
)
def env(*, folder: Path, for_sdk: bool) -> None:
    """Print what to export: eval "$(tunewright local env)"."""
    instance = Folder(folder).read()
    if instance is None or not instance.access_key:
        _fail(f"there is no local cloud in {folder}: tunewright local up", INVALID)
    if for_sdk and not instance.runs:
        _fail(f"the local cloud in {folder} does not run: tunewright local up", INVALID)
    told = instance.environment
    for line in exports(sdk.environment(told) if for_sdk else told):
        click.echo(line)


def exports(environment: Mapping[str, str]) -> list[str]:
    """Return shell lines that set what a program needs."""
    # Else a profile of the user's would win over the keys
    lines = ["unset AWS_PROFILE AWS_SESSION_TOKEN"]
    return lines + [f"export {name}={value}" for name, value in environment.items()]


def _detach(folder: Path, port: int | None, cpus: int | None, chaos: int | None) -> None:
    began = time.monotonic()
    try:
        instance = launch(folder, port=port, cpus=cpus, chaos=chaos)
    except NotStartedError as error:
        _fail(str(error), FAILED)
    _say_ready(instance, time.monotonic() - began)


def _say_ready(instance: Instance, seconds: float) -> None:
    click.echo(f"ready in {seconds:.1f} s, process {instance.pid}")
    click.echo(f"  AWS    {instance.url}")
    click.echo(f"  API    {instance.url}{API}")
    click.echo(f"  inbox  {instance.url}{INBOX}")
    for line in exports(instance.environment):
        click.echo(line)


def _fail(message: str, code: int) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
