"""Planted bugs, each of which the simulation must kill: what shows that its oracles bite.

A mutant is one function of the product with a piece of its text replaced. Its code is put in place
of the function's own, so that whoever holds the function runs the mutant, and is taken out again.
"""

import importlib
import inspect
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from tests.simulation import seam
from tests.simulation.scenarios import SCENARIOS
from tests.simulation.schedule import run_random

SEEDS = 300
"""A mutant that lives through so many schedules is a hole in the simulation."""


@dataclass(frozen=True)
class Mutant:
    """A planted bug: in which function, what is replaced by what."""

    name: str
    module: str
    function: str
    old: str
    new: str
    hunter: str = ""
    """The scenario that hunts it, where random schedules would rarely meet it."""

    def target(self) -> FunctionType:
        """Find the function."""
        found: Any = importlib.import_module(f"tunewright.{self.module}")
        for part in self.function.split("."):
            found = inspect.getattr_static(found, part)
        if not isinstance(found, FunctionType):
            raise TypeError(f"{self.function} is no function")
        return found

    def code(self) -> Any:
        """Compile the function with its bug."""
        target = self.target()
        text = textwrap.dedent(inspect.getsource(target))
        if text.count(self.old) != 1:
            raise ValueError(f"{self.name}: {self.old!r} stands {text.count(self.old)} times")
        space = dict(target.__globals__)
        exec(compile(text.replace(self.old, self.new), target.__code__.co_filename, "exec"), space)  # noqa: S102
        return space[target.__name__].__code__

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Have the bug in for a while."""
        target = self.target()
        sound = target.__code__
        target.__code__ = self.code()
        try:
            yield
        finally:
            target.__code__ = sound


_STORE, _TABLE = "adapters.dynamodb.studies", "adapters.dynamodb"
_AWS, _STEPS = "adapters.sagemaker", "domain.steps"
_ANY = "__import__('secrets').token_hex(2)"
MUTANTS = tuple(
    Mutant(*each)
    for each in (
        ("no optimistic lock", _STORE, "DynamoStudies.commit",
         "_UNCHANGED, unchanged", '"attribute_exists(pk)"'),
        ("random job name", "domain.request", "compile_request",
         'JobName": plan.job', f'JobName": plan.job + {_ANY}'),
        ("random study id", "domain.names", "study_id", "{idempotency_key}", f"{{{_ANY}}}"),
        ("budget not counted", "domain.budget", "Ledger.left",
         "limit - self.spent - self.reserved - self.set_aside", "limit - self.set_aside"),
        ("deployment not set aside", "domain.budget", "Ledger.left", " - self.set_aside", ""),
        ("failed trials not counted", "domain.round", "Progress.with_trial",
         "return counted.but(failed=self.failed + 1)", "return self"),
        ("a winner need keep no limit", "domain.selection", "select", "pool = keeping or",
         "pool = scored or"),
        ("trial record without a lock", f"{_TABLE}.trials", "DynamoTrials._put",
         '"attribute_not_exists(pk)"', '"attribute_not_exists(nothing)"'),
        ("trial update without the lock", f"{_TABLE}.trials", "DynamoTrials._put",
         '"rev = :rev", typed({":rev": known.rev})', '"attribute_exists(pk)", None',
         "two_record_one_trial"),
        ("last write of a trial wins", "domain.trial", "merge",
         "first, then = (told, known) if _rank(told) < _rank(known) else (known, told)",
         "return told.but(rev=known.rev)"),
        ("no sweep", "app.sweeper", "Sweeper.sweep", "self._studies.live()", "()"),
        ("no healing from the list", "app.recorder", "Recorder._record_all",
         "self._tuning.trial_names(tuning_job)", "()"),
        ("job in use is a failure", _AWS, "is_taken", '== "ResourceInUse"', '== "nothing"'),
        ("already existing is a failure", _AWS, "is_taken", '"already exist" in', '"nothing" in'),
        ("not found in one shape only", _AWS, "is_missing",
         'startswith(("Could not find", "Requested resource not found"))', "startswith('nothing')"),
        ("no answer is a refusal", _AWS, "raise_for",
         "raise UnknownOutcomeError(type(error).__name__, str(error)) from error",
         "raise RefusedError(type(error).__name__, str(error)) from error"),
        ("a full quota is a refusal", _AWS, "raise_for",
         "raise CapacityError(code, words)", "raise RefusedError(code, words)"),
        ("a foreign job is adopted", _AWS, "SageMakerTuning._has_tags",
         "held.get(key) == value", "True"),
        ("unmarked before it is told", "app.announcer", "Announcer.announce",
         "told = self._studies", "self._outbox.published(decision)\n    told = self._studies",
         "sweep_dies_while_it_tells"),
        ("overdue decisions are not told", "app.sweeper", "Sweeper.sweep",
         "self._outbox.unpublished(before=before, limit=AT_ONCE)", "()"),
        ("random endpoint name", _AWS, "SageMakerHosting.go_live",
         '"EndpointName": planned.endpoint', f'"EndpointName": planned.endpoint + {_ANY}'),
        ("newer news is lost", _STORE, "DynamoStudies._unmark",
         "rev = :rev AND attribute_exists", "attribute_exists",
         "news_comes_while_older_news_is_folded"),
        ("a late trial is not recounted", "domain.round", "Progress.comes_late",
         "self.last is not None and _order(trial) <= self.last", "False"),
        ("a settled stop stays owed", f"{_STEPS}.settle", "settle",
         "return Step(study.but(owed=()))", "return None"),
        ("a cancel forgets the round", f"{_STEPS}.command", "_stopping",
         'stop_live(study, live, "a person", now)', "study.without_live()"),
        ("a cancel forgets who waits", f"{_STEPS}.command", "_stopping",
         'stop_live(study, live, "a person", now)', "study.without_live() if "
         'study.waits_for_capacity(now) else stop_live(study, live, "a person", now)',
         "zombie_starts_after_the_cancel"),
        ("a no is believed unseen", _AWS, "SageMakerTuning._was_made",
         "is_definite and self.look(job).exists", "False",
         "unanswered_start_is_refused"),
        ("a later no is believed at once", f"{_STEPS}.settle", "_refused",
         "action.tries == 0", "True", "refused_after_it_was_made"),
        ("a second try is not written", "app.conductor", "Conductor._start",
         "looked.mine != study.version", "False", "refused_after_it_was_made"),
        ("a no to what was sent again is believed", _AWS, "SageMakerTuning.start",
         "_was_sent_again(error) and", "False and", "refused_when_sent_again"),
        ("a stopped round takes what has its name", "app.conductor", "_owner",
         "live is not None and live.began is None", "False",
         "a_stopped_round_finds_its_name_taken"),
        ("a stop is not owed again", f"{_STEPS}.close", "stop_again",
         "owed=(StopRound(job=live.plan.job),)", "owed=()",
         "zombie_starts_after_the_cancel"),
        ("a new job is gone at once", f"{_STEPS}.close", "_lost",
         "now - known < GONE_AFTER", "False"),
        ("any answer approves", f"{_STEPS}.command", "_approval",
         "command.plan_hash != planned.hash", "False"),
        ("a replaced model stays", "app.deployer", "Deployer._clear",
         "former.model != planned.replaces", "True"),
        ("no lease ends", "app.sweeper", "Sweeper.sweep",
         "self._endpoints.due(self._clock.now())", "()"),
        ("a closed round costs its worst case", f"{_STEPS}.close", "close",
         "settle(cost, launched)", "settle(live.plan.reserved, launched)"),
        ("an answered command waits again", f"{_TABLE}.commands", "DynamoCommands.give",
         '"attribute_not_exists(pk)"', '"attribute_not_exists(nothing)"'),
        ("endpoint record without a lock", f"{_TABLE}.versions", "put_over",
         "if version:",
         'if version and item["pk"]["S"].startswith("ENDPOINT#"):\n'
         '        condition = "attribute_exists(pk)"\n    elif version:'),
        ("another stack's thing is an orphan", "domain.orphan", "is_orphan",
         "thing.stack != stack", "thing.stack is None", "orphans_are_told_of_and_removed"),
        ("a champion's model is an orphan", "domain.orphan", "is_live",
         "champion is not None and champion.model == name", "False",
         "orphans_are_told_of_and_removed"),
        ("a removal is a surprise", "domain.orphan", "due",
         "now - orphan.warned >= NOTICE", "True", "orphans_are_told_of_and_removed"),
        ("an orphan is told of when it is seen", "app.caretaker", "Caretaker._examine",
         "self._tell(self._orphans.save(orphan), owners)",
         "now = self._clock.now()\n"
         "    orphan = self._orphans.save(orphan.but(told=now, warned=now))\n"
         "    self._publish(*finding(orphan, removes=self._removes))",
         "a_visit_dies_before_it_tells"),
        ("a restored study drops its trials", f"{_STEPS}.fold", "foldable",
         "each.round_number < passed", "True"),
        ("a restored study drops an attempt", f"{_STEPS}.fold", "foldable",
         "each.round_number < passed", "each.round_number <= passed",
         "restored_before_another_attempt"),
        ("an end is told after the list", "app.conductor", "Conductor._observe",
         "looked.listed or self._tuning.look", "self._tuning.look",
         "objective_is_told_after_the_list"),
        ("a month has always room", f"{_TABLE}.studies", "DynamoStudies._charged",
         "not charge.limited or not self._monthly_budget", "True",
         "the_month_has_room_for_one_round"),
        ("a paused stack starts rounds", "app.conductor", "Conductor._start",
         "self._switch.is_thrown()", "False",
         "the_stack_is_paused_and_goes_on"),
        ("a paused stack deploys", "app.deployer", "Deployer._go_live",
         "self._switch.is_thrown()", "False",
         "the_stack_is_paused_and_goes_on"),
    )
)  # fmt: skip


def hunted(mutant: Mutant) -> str | None:
    """Return the invariant by which its own scenario kills a mutant; None if that has none."""
    if not mutant.hunter:
        return None
    with seam.installed(), mutant.planted():
        outcome = SCENARIOS[mutant.hunter]()
    return outcome.violations[0][0] if outcome.failed else None


def first_kill(mutant: Mutant, seeds: int = SEEDS) -> tuple[str | None, str]:
    """Return what kills a mutant, its scenario or the first seed, and the invariant."""
    by = hunted(mutant)
    if by is not None:
        return mutant.hunter, by
    with seam.installed(), mutant.planted():
        for seed in range(seeds):
            outcome = run_random(seed)
            if outcome.failed:
                return f"seed {seed}", outcome.violations[0][0]
    return None, "it lives"
