"""`tunewright local`: hands over to the local cloud, an extra that may not be installed."""

import importlib.util
import subprocess
import sys

import click

INVALID = 4
_NEEDED = ("tunewright_local", "sagemaker_local", "ministack", "samtranslator", "xgboost")


@click.command(
    name="local",
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def local(words: tuple[str, ...]) -> None:
    """Run a cloud on this machine: up, status, down, env."""
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
