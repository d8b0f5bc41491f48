"""What a person types: `python -m tests.simulation random|exhaustive|seed|mutants|long`."""

import argparse
import json
import sys
import time
from pathlib import Path

from tests.simulation import campaign, mutants
from tests.simulation.faults import CALL_KINDS
from tests.simulation.schedule import from_json


def main() -> int:
    """Run what was asked for; 1 if an invariant was violated."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    what = parser.add_subparsers(dest="what", required=True)
    runs = what.add_parser("random", help="run seeded schedules")
    runs.add_argument("last", type=int)
    runs.add_argument("--first", type=int, default=0)
    runs.add_argument("--surrogate", action="store_true", help="with rounds that it refines")
    runs.add_argument("--state", type=Path, help="where to keep how far it came")
    every = what.add_parser("exhaustive", help="one fault at every call of the fault-free paths")
    every.add_argument("--state", type=Path, help="where to keep how far it came")
    planted = what.add_parser("mutants", help="planted bugs, each of which must be found")
    planted.add_argument("--skip", type=int, default=0, help="how many of them to leave out")
    one = what.add_parser("seed", help="run one schedule; shrink and show it if it fails")
    one.add_argument("seed", type=int)
    one.add_argument("--plan", default="", help="the faults, as a failure shows them")
    given = parser.parse_args()
    began = time.monotonic()
    match given.what:
        case "random":
            tally = campaign.campaign(
                given.first, given.last, given.state, surrogate=given.surrogate
            )
            campaign.say(
                f"{tally.schedules} schedules, {tally.calls} API calls, {tally.faults} faults, "
                f"{len(tally.failed)} violations, {time.monotonic() - began:.0f} s"
            )
            if tally.lags:
                campaign.say(campaign.healing(tally.lags))
            campaign.say(
                f"{tally.recovered} studies moved within ten minutes of an outage; "
                f"{tally.replayed} events were replayed"
            )
            late = bool(tally.lags) and not campaign.heals(tally.lags)
            return int(bool(tally.failed) or late)
        case "exhaustive":
            total, failed = campaign.exhaustion(given.state)
            kinds = ", ".join(CALL_KINDS)
            campaign.say(f"{total} runs ({kinds} at every call), {len(failed)} violations, "
                  f"{time.monotonic() - began:.0f} s")  # fmt: skip
            return int(bool(failed))
        case "mutants":
            alive, planned = 0, list(mutants.MUTANTS[given.skip :])
            for mutant, (killer, by) in campaign.in_parallel(mutants.first_kill, planned):
                campaign.say(f"{mutant.name:38} {killer or 'lives'} ({by})")
                alive += killer is None
            killed = len(planned) - alive
            campaign.say(f"{killed} of {len(planned)} killed, {time.monotonic() - began:.0f} s")
            return int(alive > 0)
        case _:
            plan = from_json(json.loads(given.plan)) if given.plan else None
            shown = campaign.explain(given.seed, plan)
            campaign.say(shown)
            return int("no violation" not in shown.splitlines()[0])


if __name__ == "__main__":
    sys.exit(main())
