"""`tunewright local`: hands over to the local cloud, an extra that may not be installed."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import click

INVALID = 4
_NEEDED = ("tunewright_local", "sagemaker_local", "ministack", "samtranslator", "xgboost")
_DIR = click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".tunewright/local"),
    show_default=True,
    help="The folder of all state.",
)


@click.group()
def local() -> None:
    """Run a cloud on this machine: AWS, SageMaker and a deployed stack, without an account."""


@local.command()
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
    folder: Path, port: int | None, cpus: int | None, chaos: int | None, *, detach: bool
) -> None:
    """Start it, or go on from where it was; deploy what has changed."""
    words = ["up", "--dir", str(folder)]
    words += [] if port is None else ["--port", str(port)]
    words += [] if cpus is None else ["--cpus", str(cpus)]
    words += [] if chaos is None else ["--chaos", str(chaos)]
    _hand_over([*words, "--detach"] if detach else words)


@local.command()
@_DIR
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def status(folder: Path, *, as_json: bool) -> None:
    """Say what runs: studies, training jobs, port, process, memory."""
    words = ["status", "--dir", str(folder)]
    _hand_over([*words, "--json"] if as_json else words)


@local.command()
@_DIR
def down(folder: Path) -> None:
    """Stop it; what was running is taken up by the next `up`."""
    _hand_over(["down", "--dir", str(folder)])


@local.command()
@_DIR
@click.option("--sdk", is_flag=True, help="For the SageMaker SDKs too: a role, and a shim for STS.")
def env(folder: Path, *, sdk: bool) -> None:
    """Print what to export: eval "$(tunewright local env)"."""
    words = ["env", "--dir", str(folder)]
    _hand_over([*words, "--sdk"] if sdk else words)


def _hand_over(words: list[str]) -> None:
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        click.echo(
            f"the local cloud is not installed ({', '.join(missing)} missing): "
            "pip install 'tunewright[local]'",
            err=True,
        )
        sys.exit(INVALID)
    process = subprocess.Popen([sys.executable, "-m", "tunewright_local", *words])
    while True:
        try:
            sys.exit(process.wait())
        except KeyboardInterrupt:
            continue  # It heard it too, and stops by itself
