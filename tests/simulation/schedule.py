"""One schedule from its seed: the story, the faults, the end, the verdict; and how to shrink it."""

import hashlib
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.simulation import seam
from tests.simulation.faults import CALM, WEATHERS, Fault, Plan, Weather
from tests.simulation.hosting import Endpoint
from tests.simulation.people import OVER, Person, study_id_of
from tests.simulation.story import Story, draw, large, terms_of
from tests.simulation.tuning import Job
from tests.simulation.world import World
from tunewright.domain import names

FAULTS_END = 3000.0
HORIZON = 6 * 3600.0
_DAY = 86_400.0
SNAPSHOT, DOWN, BACK = 500.0, 900.0, 1400.0
OUTAGE = (300.0, 2100.0)
MOVES_WITHIN = 600.0


@dataclass
class Outcome:
    """What came of a schedule."""

    seed: str
    weather: str
    violations: list[tuple[str, str]]
    plan: Plan
    calls: int
    digest: str
    lags: dict[str, float] = field(default_factory=dict)
    dropped: dict[str, float] = field(default_factory=dict)
    phases: tuple[str, ...] = ()
    replayed: int = 0
    recovered: int = 0
    world: World | None = None

    @property
    def failed(self) -> bool:
        """Whether an invariant was violated."""
        return bool(self.violations)


def run_random(
    seed: int, plan: Plan | None = None, *, surrogate: bool = False, **kept: Any
) -> Outcome:
    """Run the schedule of a number: its story and weather come from it."""
    text = str(seed)
    weather = WEATHERS[seed % len(WEATHERS)]
    story = large(draw(text)) if surrogate else draw(text)
    return run(text, story, weather, plan, replay=seed % 4 == 0, **kept)


def run(
    seed: str,
    story: Story,
    weather: Weather = CALM,
    plan: Plan | None = None,
    *,
    keep: bool = False,
    replay: bool = True,
    watch: Callable[[World], None] | None = None,
) -> Outcome:
    """Run a story to its end and judge it."""
    world = World(seed, weather=weather, plan=plan, luck=story.luck)
    with seam.living_in(world):
        try:
            if watch is not None:
                watch(world)
            _set_up(world, story)
            people = [_enter(world, part) for part in story.parts]
            _misfortunes(world, weather, people)
            world.run(HORIZON, stop=lambda: _is_done(world, people))
            if not world.oracles.violations:
                _calm_down(world)
            if not world.oracles.violations:
                world.oracles.finish()
            if not world.oracles.violations and replay:
                fixpoint(world)
        finally:
            world.clock.close()
    return Outcome(
        seed=seed,
        weather=weather.name,
        violations=world.oracles.violations,
        plan=world.faults.taken,
        calls=world.calls,
        digest=_digest(world),
        lags=world.oracles.lags,
        dropped=world.carriers.dropped,
        phases=tuple(sorted(world.oracles.phases.values())),
        replayed=world.oracles.replayed,
        recovered=world.oracles.recovered,
        world=world if keep else None,
    )


def _set_up(world: World, story: Story) -> None:
    luck = random.Random(f"{world.seed}/account")  # noqa: S311
    world.hosting.fate = lambda _endpoint: (
        "Failed" if luck.random() < story.endpoint_fails else "InService"
    )
    if story.refuses_warm_start:
        world.tuning.refuse = lambda request: (
            "Warm start is refused" if "WarmStartConfig" in request else None
        )
    if world.faults.weather.sagemaker and not story.refuses_warm_start:
        world.tuning.refuse = lambda request: (
            "Warm start needs the parents' ranges"
            if "WarmStartConfig" in request and hash_of(request) % 10 == 0
            else None
        )
    if story.foreign_round:
        first = story.parts[0]
        name = f"tw-{study_id_of(first.document['study'], first.name)}-r02"
        world.tuning.jobs[name] = Job(name, {}, {"team": "others"}, 0.0, "Completed")
    world.clock.after(FAULTS_END, lambda: setattr(world.faults, "active", False))
    world.lambdas.begin_sweeps()


def hash_of(request: dict[str, Any]) -> int:
    """A number for a request, the same in every process."""
    text = json.dumps(request, sort_keys=True, default=str)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])


def _enter(world: World, part: Any) -> Person:
    person = Person(world, part.name, random.Random(f"{world.seed}/{part.name}"))  # noqa: S311
    study_id = study_id_of(part.document["study"], part.name)
    world.oracles.terms[study_id] = terms_of(part.document)

    def act() -> None:
        world.clock.sleep(part.begins)
        if person.submit(part.document) is None:
            del world.oracles.terms[study_id]  # Never acknowledged: nothing is promised.
            return
        person.live(list(part.words), patience=FAULTS_END, curious=part.curious)

    world.clock.spawn("person", act, _surprise(world))
    return person


def _surprise(world: World) -> Callable[[Any, BaseException | None], None]:
    """What a person cannot make sense of is a violation, too."""

    def done(_result: Any, error: BaseException | None) -> None:
        if error is not None:
            world.oracles.violate("people", repr(error))

    return done


def _misfortunes(world: World, weather: Weather, people: list[Person]) -> None:
    if weather.outage:
        world.outage = OUTAGE
        world.clock.after(OUTAGE[1], lambda: _watch_recovery(world, people))
    if not weather.restore:
        return
    kept: dict[str, Any] = {}

    def snapshot() -> None:
        kept.update({pk: dict(items) for pk, items in world.table.items.items()})

    def take_down() -> None:
        world.lambdas.stopped.update(world.wiring.functions)

    def bring_back() -> None:
        world.oracles.go_back()
        world.table_name = "Restored"
        made = world.make_table("Restored")
        world.tables["Restored"] = made
        made.restore(kept)
        world.lambdas.new_containers()
        world.lambdas.stopped.clear()
        for person in people:
            if f"STUDY#{person.study_id}" in kept:
                world.clock.spawn("person", lambda person=person: _resync(person), _surprise(world))

    world.clock.after(SNAPSHOT, snapshot)
    world.clock.after(DOWN, take_down)
    world.clock.after(BACK, bring_back)


def _watch_recovery(world: World, people: list[Person]) -> None:
    """After an outage whatever can go on without a person must have moved within ten minutes."""
    still = {
        person: state["decisions"]
        for person in people
        if (state := person.state())
        and person.phase in {"searching", "choosing", "deploying"}
        and not state["paused"]
        and not (person.phase != "searching" and _is_in_line(world, person))
    }

    def judge() -> None:
        for person, before in still.items():
            world.oracles.recovered += 1
            if person.state()["decisions"] == before:
                world.oracles.violate("I-5", f"{person.study_id} has not moved since the outage")

    world.clock.after(MOVES_WITHIN, judge)


def _is_in_line(world: World, person: Person) -> bool:
    """Whether a study waits for an endpoint that another changes now, or has leased."""
    deploy = person.state()["spec"]["deploy"]
    if deploy is None:
        return False
    item = world.table.peek(f"ENDPOINT#{names.endpoint(deploy['to'])}")
    if item is None:
        return False
    endpoint = json.loads(item["state"]["S"])
    leased = endpoint["champion"] and endpoint["champion"]["study_id"]
    return any(each not in {None, person.study_id} for each in (endpoint["holder"], leased))


def _resync(person: Person) -> None:
    """What the runbook asks for after a restore; what was over may ask its questions again."""
    person.say("resync")
    person.live([], patience=FAULTS_END)


def _is_done(world: World, people: list[Person]) -> bool:
    """Whether every study is over, nothing waits, and no lease runs."""
    return (
        all(person.phase in OVER for person in people if person.study_id)
        and all(person.study_id or f"{person.name}" for person in people)
        and world.quiet
        and not world.hosting.endpoints
        and not any(each.is_live for each in world.tuning.jobs.values())
        and world.clock.now > _at_worst(world.faults.weather)
    )


def _at_worst(weather: Weather) -> float:
    """Say when the great misfortune of a weather is past."""
    if weather.outage:
        return OUTAGE[1] + MOVES_WITHIN
    return BACK if weather.restore else 400.0


def _calm_down(world: World) -> None:
    """Let a sweep pass without faults, so that what has to be healed is healed."""
    world.faults.active = False
    world.faults.plan = world.faults.plan and {}
    world.run(world.clock.now + 400.0)
    world.run(world.clock.now + 300.0, stop=lambda: world.quiet)


def fixpoint(world: World) -> None:
    """Replay every event that there was: nothing may be written, changed or told (I-9)."""
    world.lambdas.stopped.add("OnHour")  # An hour that passes is no event.
    before = (world.mutations, world.table.writes)
    for event in world.carriers.archive:
        world.oracles.replayed += 1
        world.carriers.route(event, faults=False)
    world.run(world.clock.now + 400.0)
    world.run(world.clock.now + 300.0, stop=lambda: world.quiet)
    after = (world.mutations, world.table.writes)
    if before != after:
        world.oracles.violate("I-9", f"the replay of all events changed {before} to {after}")


def _digest(world: World) -> str:
    told = json.dumps(
        [
            world.calls,
            round(world.clock.now, 6),
            sorted(world.table.items.items()),
            sorted(world.oracles.heard.items()),
            [repr(each) for each in world.hosting.changes],
            [(name, job.status, job.stops) for name, job in sorted(world.tuning.jobs.items())],
        ],
        sort_keys=True,
    )
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def shrink(run_plan: Callable[[Plan], Outcome], outcome: Outcome) -> Outcome:
    """Take faults away for as long as the same invariant is still violated."""
    wanted = outcome.violations[0][0]
    best, keys = outcome, list(outcome.plan)
    size = max(1, len(keys) // 2)
    while size:
        start = 0
        while start < len(keys):
            rest = keys[:start] + keys[start + size :]
            tried = run_plan({key: best.plan[key] for key in rest if key in best.plan})
            if tried.failed and tried.violations[0][0] == wanted:
                best, keys = tried, [key for key in rest if key in tried.plan]
            else:
                start += size
        size //= 2
    return best


def show(outcome: Outcome, lines: int = 40) -> str:
    """Write a failed schedule so that it can be understood and run again."""
    rows = [f"seed {outcome.seed}, weather {outcome.weather}: {len(outcome.plan)} faults"]
    rows += [f"  {name}: {text}" for name, text in outcome.violations[:5]]
    rows.append(f"  plan: {json.dumps(as_json(outcome.plan))}")
    for when, task, function, operation, request, note in list(
        outcome.world.trace if outcome.world else ()
    )[-lines:]:
        about = str(request)[:160].replace("\n", " ")
        rows.append(f"  {when:9.2f} {function}#{task} {operation} {note} {about}")
    return "\n".join(rows)


def as_json(plan: Plan) -> list[list[Any]]:
    """Write a plan as JSON."""
    return [[stream, number, *fault] for (stream, number), fault in plan.items()]


def from_json(rows: list[list[Any]]) -> Plan:
    """Read a plan back."""
    faults: dict[tuple[str, int], Fault] = {}
    for stream, number, kind, amount in rows:
        faults[stream, number] = (kind, amount)
    return faults


__all__ = ["Endpoint", "Outcome", "run", "run_random", "show", "shrink"]
