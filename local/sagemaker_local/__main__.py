"""`python -m sagemaker_local`: the server on the command line; all it does is in `server`."""

import argparse
import signal
from pathlib import Path

from sagemaker_local.server import serve


def main() -> None:
    """Serve until interrupted or told to end."""
    parser = argparse.ArgumentParser(
        prog="python -m sagemaker_local",
        description="Amazon SageMaker's tuning, training and hosting on this machine.",
    )
    parser.add_argument("--port", type=int, default=4566, help="0 picks one that is free")
    parser.add_argument(
        "--dir", type=Path, default=Path(".sagemaker-local"), help="the folder of all state"
    )
    parser.add_argument("--cpus", type=int, help="threads given to each container; default all")
    given = parser.parse_args()
    # A polite end is an end like Ctrl-C
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    serve(
        given.dir,
        port=given.port,
        cpus=given.cpus,
        say=lambda line: print(line, flush=True),  # noqa: T201
    )


if __name__ == "__main__":
    main()
