"""`python -m sagemaker_local`: the server on the command line; all it does is in `server`."""

import argparse
import signal
from pathlib import Path

from sagemaker_local.faults import parsed, rates
from sagemaker_local.server import RunsAlreadyError, serve


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
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a fault done on purpose, such as throttled=0.1 or events_lost=0.05",
    )
    parser.add_argument(
        "--quota",
        action="append",
        default=[],
        metavar="TYPE=COUNT",
        help="how many instances of a type may train at once, such as ml.m5.large=4",
    )
    parser.add_argument(
        "--rate",
        action="append",
        default=[],
        metavar="OPERATION=PER_SECOND",
        help="how often an operation may be asked for, 0 for no limit; AWS: ListTrainingJobs=2",
    )
    given = parser.parse_args()
    try:
        faults = parsed(_pairs(given.fault))
        per_second = rates(_pairs(given.rate))
        quotas = {kind: int(count) for kind, count in _pairs(given.quota).items()}
    except ValueError as error:
        parser.error(str(error))
    # A polite end is an end like Ctrl-C
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        serve(
            given.dir,
            port=given.port,
            cpus=given.cpus,
            faults=faults,
            instance_quotas=quotas,
            per_second=per_second,
            say=lambda line: print(line, flush=True),  # noqa: T201
        )
    except RunsAlreadyError as error:
        parser.error(str(error))


def _pairs(given: list[str]) -> dict[str, str]:
    for each in given:
        if "=" not in each:
            raise ValueError(f"{each} is not of the form NAME=VALUE")
    return dict(each.split("=", 1) for each in given)


if __name__ == "__main__":
    main()
