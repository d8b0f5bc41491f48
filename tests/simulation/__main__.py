"""What a person types: `python -m tests.simulation random|exhaustive|seed|mutants|long`."""

import argparse
import json
import sys
import time
from pathlib import Path

from tests.simulation import campaign
from tests.simulation.faults import CALL_KINDS
from tests.simulation.schedule import from_json
from tests.simulation.story import FAULT_FREE


def main() -> int:
    """Run what was asked for; 1 if an invariant was violated."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    what = parser.add_subparsers(dest="what", required=True)
    runs = what.add_parser("random", help="run seeded schedules")
    runs.add_argument("last", type=int)
    runs.add_argument("--first", type=int, default=0)
    runs.add_argument("--state", type=Path, help="where to keep how far it came")
    what.add_parser("exhaustive", help="one fault at every call of the fault-free paths")
    one = what.add_parser("seed", help="run one schedule; shrink and show it if it fails")
    one.add_argument("seed", type=int)
    one.add_argument("--plan", default="", help="the faults, as a failure shows them")
    given = parser.parse_args()
    began = time.monotonic()
    match given.what:
        case "random":
            tally = campaign.campaign(given.first, given.last, given.state)
            print(f"{tally.schedules} schedules, {tally.calls} API calls, {tally.faults} faults, "
                  f"{len(tally.failed)} violations, {time.monotonic() - began:.0f} s")  # fmt: skip
            if tally.lags:
                print(campaign.healing(tally.lags))
            return int(bool(tally.failed))
        case "exhaustive":
            paths = [(name,) for name in FAULT_FREE]
            told = campaign.in_parallel(campaign.exhaust, paths)
            for (name,), (runs_of, failed) in zip(paths, told, strict=True):
                print(f"{name}: {runs_of} runs of {len(CALL_KINDS)} kinds, {len(failed)} violations")
                for each in failed[:5]:
                    print(f"  {each}")
            print(f"{sum(each[0] for each in told)} runs, {time.monotonic() - began:.0f} s")
            return int(any(each[1] for each in told))
        case _:
            plan = from_json(json.loads(given.plan)) if given.plan else None
            shown = campaign.explain(given.seed, plan)
            print(shown)
            return int("no violation" not in shown.splitlines()[0])


if __name__ == "__main__":
    sys.exit(main())
