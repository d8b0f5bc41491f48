"""A stack among orphans made by hand, and what has no business to be taken for one.

Two studies are lived before: one that is over, and one that waits for a person and so is live.
Then the hours pass, under faults or not, and what became of everything is held to the policy.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from tests.simulation import seam
from tests.simulation.deployed import STACK, deployed
from tests.simulation.faults import CALM, Fault, Plan, Weather
from tests.simulation.hosting import Endpoint
from tests.simulation.people import Person, study_id_of
from tests.simulation.schedule import Outcome
from tests.simulation.story import CERTAIN, FAULT_FREE, terms_of
from tests.simulation.tuning import Job
from tests.simulation.watch import STACK_TAG, STUDY_TAG
from tests.simulation.world import World
from tunewright.domain.seen import Champion
from tunewright.domain.seen import Endpoint as Record

SETTLED = 3000.0
"""After which time the studies have come to where they stay."""
HOURS = (0.5, 2, 3, 4, 28, 29, 30, 31, 56, 57, 58)
"""At which hours the function is woken: too early, to find, to wait, to remove, to see the end."""
CALM_FROM = 30.5
"""When faults are over: what was not told of by then is, and goes a day after."""
REQUEST = {
    "HyperParameterTuningJobConfig": {
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 9, "MaxParallelTrainingJobs": 2}
    },
    "TrainingJobDefinition": {
        "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1}
    },
}
LOST = "lost-aaaaaa"
CONFIG = {"ProductionVariants": [{"ModelName": "", "InstanceType": "ml.m5.large",
                                  "InitialInstanceCount": 2}]}  # fmt: skip


@dataclass
class Household:
    """What there is."""

    world: World
    removed: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)

    def job(self, name: str, tags: dict[str, str], *, orphan: bool = False) -> None:
        """Let a tuning job run."""
        self.world.tuning.jobs[name] = Job(name, REQUEST, tags, self.world.clock.now)
        self._note(f"tuning-job/{name}", orphan)

    def model(self, name: str, tags: dict[str, str], *, orphan: bool = False) -> None:
        """Make a model with its config."""
        told = [{"Key": key, "Value": value} for key, value in tags.items()]
        self.world.hosting.make("model", name, {"ModelName": name, "Tags": told})
        variant = {**CONFIG["ProductionVariants"][0], "ModelName": name}
        made = {"EndpointConfigName": name, "ProductionVariants": [variant], "Tags": told}
        self.world.hosting.make("endpoint-config", name, made)
        self._note(f"model/{name}", orphan)
        self._note(f"endpoint-config/{name}", orphan)
        self.told.discard(f"endpoint-config/{name}")

    def endpoint(
        self, name: str, config: str, tags: dict[str, str], *, orphan: bool = False
    ) -> None:
        """Let an endpoint serve."""
        now = self.world.clock.now
        self.world.hosting.endpoints[name] = Endpoint(name, config, tags, now, "InService")
        self._note(f"endpoint/{name}", orphan)

    def _note(self, what: str, orphan: bool) -> None:
        (self.removed if orphan else self.kept).add(what)
        if orphan:
            self.told.add(what)

    def there(self) -> set[str]:
        """Name everything that lives."""
        hosting, jobs = self.world.hosting, self.world.tuning.jobs
        return {
            *(f"tuning-job/{name}" for name, each in jobs.items() if each.is_live),
            *(f"endpoint/{name}" for name in hosting.endpoints),
            *(f"model/{name}" for name in hosting.models),
            *(f"endpoint-config/{name}" for name in hosting.configs),
        }


def ours(study: str) -> dict[str, str]:
    """Return the tags of what this stack makes."""
    return {STACK_TAG: STACK, STUDY_TAG: study}


def furnish(world: World, over: str, live: str) -> Household:
    """Make orphans, and what looks like them."""
    made, twin = Household(world), {STACK_TAG: "twin", STUDY_TAG: LOST}
    made.job(f"tw-{LOST}-r01", ours(LOST), orphan=True)
    made.job(f"tw-{over}-r09", ours(over), orphan=True)
    made.job(f"tw-{live}-r09", ours(live))
    made.job(f"tw-{LOST}-r02", {"team": "others"})
    made.job(f"tw-{LOST}-r03", twin)
    made.job(f"my-tw-{LOST}", ours(LOST))
    made.model(f"tw-{LOST}-v1", ours(LOST), orphan=True)
    made.told.discard(f"model/tw-{LOST}-v1")  # It is told of with its endpoint.
    made.endpoint("tw-lost", f"tw-{LOST}-v1", ours(LOST), orphan=True)
    made.model(f"tw-{LOST}-v2", ours(LOST), orphan=True)
    made.model(f"tw-{LOST}-v3", twin)
    made.endpoint("tw-twin", f"tw-{LOST}-v3", twin)
    made.model(f"tw-{live}-v1", ours(live))
    made.endpoint("tw-by-hand", "bought", ours(LOST))
    made.told.add("endpoint/tw-by-hand")
    made.model(f"tw-{over}-v1", ours(over))
    made.endpoint("tw-kept", f"tw-{over}-v1", ours(over))
    _crown(world, "tw-kept", over)
    return made


def _crown(world: World, endpoint: str, study: str) -> None:
    now = world.moment(world.clock.now)
    champion = Champion(
        endpoint=endpoint, study_id=study, model=f"tw-{study}-v1", trial="t", metric="m", value=1.0,
        fingerprint="f", price_per_hour=1, since=now, lease_ends=world.moment(9e6),
    )  # fmt: skip
    state = Record(name=endpoint, champion=champion).model_dump_json(exclude={"version"})
    item = {
        "pk": {"S": f"ENDPOINT#{endpoint}"}, "sk": {"S": "-"}, "state": {"S": state},
        "version": {"N": "1"}, "standing": {"S": "leased"},
        "submitted": {"S": world.moment(9e6).isoformat(timespec="microseconds")},
    }  # fmt: skip
    world.table.restore({f"ENDPOINT#{endpoint}": {"-": item}})


def keep(
    policy: str = "remove",
    *,
    seed: str = "house",
    weather: Weather = CALM,
    plan: Plan | None = None,
    branch: Callable[[World, int], Fault | None] | None = None,
    watch: Callable[[World], None] | None = None,
) -> Outcome:
    """Let the hours pass over a household, and judge what became of it."""
    function = deployed().functions["OnHour"]
    environment = {**function.environment, "TUNEWRIGHT_ORPHAN_POLICY": policy}
    function = replace(function, environment=environment)
    wiring = replace(deployed(), functions={**deployed().functions, "OnHour": function})
    world = World(seed, weather=weather, plan=plan, wiring=wiring, luck=CERTAIN)
    world.hosting.page = 2
    world.faults.active = False
    with seam.living_in(world):
        try:
            over, live = _live_before(world)
            household = furnish(world, over, live)
            if watch is not None:
                watch(world)
            if branch is not None:
                world.branch = lambda number: branch(world, number)
            world.faults.active = True
            for hour in HOURS:
                world.clock.after(hour * 3600.0, lambda: _wake(world))
            world.clock.after(CALM_FROM * 3600.0, lambda: _calm(world))
            world.run(world.clock.now + (HOURS[-1] + 1) * 3600.0)
            if not world.oracles.violations:
                for words in judged(household, removes=policy == "remove"):
                    world.oracles.violate("I-11", words)
        finally:
            world.clock.close()
    return Outcome(
        seed=seed, weather=weather.name, violations=world.oracles.violations,
        plan=world.faults.taken, calls=world.calls, digest="", world=world,
        phases=tuple(sorted(world.oracles.phases.values())),
    )  # fmt: skip


def _wake(world: World) -> None:
    world.lambdas.invoke_later("OnHour", {"source": "aws.scheduler"})


def _calm(world: World) -> None:
    world.faults.active, world.branch = False, None


def _live_before(world: World) -> tuple[str, str]:
    """Live two studies without faults; give the one that is over, and the one that is not."""
    ids = []
    for path in ("cancel", "failure"):
        (part,) = FAULT_FREE[path].parts
        person = Person(world, path, random.Random(path))  # noqa: S311
        ids.append(study_id_of(part.document["study"], path))
        world.oracles.terms[ids[-1]] = terms_of(part.document)

        def act(person: Person = person, part=part) -> None:  # noqa: ANN001
            person.submit(part.document)
            for when, word in part.words:
                world.clock.sleep(when)
                person.say(word)

        world.clock.spawn("person", act, lambda _result, error: _raise(error))
        if path == "failure":  # All its trials fail: it asks for a person, who never comes.
            world.tuning._luck = replace(CERTAIN, failed=1.0)
        world.run(SETTLED * len(ids) / 2)
    return ids[0], ids[1]


def _raise(error: BaseException | None) -> None:
    if error is not None:
        raise error


def judged(household: Household, *, removes: bool) -> Iterator[str]:
    """Hold what is there, what was said and what is remembered to the policy."""
    there, world = household.there(), household.world
    everything = household.removed | household.kept
    wanted = household.kept if removes else everything
    for each in sorted(everything):
        if each in wanted and each not in there:
            yield f"{each} is gone"
        if each not in wanted and each in there:
            yield f"{each} is still there"
    published = world.carriers.published
    heard = {message["id"] for message in published if message["about"] == "orphan"}
    on_bus = {json.loads(each["Detail"])["id"] for each in world.carriers.bus}
    told = sorted(each.rsplit("/", 2)[0] for each in heard if not each.endswith("/removed"))
    gone = sorted(each.rsplit("/", 2)[0] for each in heard if each.endswith("/removed"))
    # What an orphan endpoint serves is an orphan, too: told of alone if the endpoint was not seen.
    if set(told) - household.removed != household.told - household.removed or not (
        household.told <= set(told)
    ):
        yield f"people were told of {told}"
    if len(told) != len(set(told)):
        yield f"people were told by two ids of one thing: {told}"
    if not household.told - wanted <= set(gone) <= set(told) - wanted:
        yield f"people were told of the removal of {gone}"
    if not heard <= on_bus:
        yield f"programs were not told of {heard - on_bus}"
    remembered = set(world.table.items.get("ORPHAN#known", {}))
    if remembered != set(told) & wanted:
        yield f"the table remembers {remembered}"
