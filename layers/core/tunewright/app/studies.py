"""What people do with studies: submit, command, ask; commands are kept until the study answers."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from tunewright.app.ports import Clock, CommandStore, StudyStore, Wake, Wakes
from tunewright.domain import budget, names
from tunewright.domain.errors import ConflictError, NotAllowedError, Problem
from tunewright.domain.expand import expand
from tunewright.domain.profile import Profile
from tunewright.domain.steps.step import Step
from tunewright.domain.study import Command, CommandKind, DecisionKind, Study
from tunewright.domain.values import show_money


class Studies:
    """Commands to studies and questions about them."""

    def __init__(
        self,
        *,
        stack: str,
        studies: StudyStore,
        commands: CommandStore,
        wakes: Wakes,
        profiles: Mapping[str, Profile],
        clock: Clock,
    ) -> None:
        self._stack = stack
        self._studies = studies
        self._commands = commands
        self._wakes = wakes
        self._profiles = profiles
        self._clock = clock

    def submit(self, document: object, *, caller: str, key: str) -> Study:
        """Submit a study; the same key again gives the same study.

        Args:
            document: The spec, short or explicit, as it came out of YAML or JSON.
            caller: Who submits it.
            key: The caller's own name for this submission.

        Raises:
            SpecError: Something is wrong with the spec.
            NotAllowedError: Its profile does not allow it.
            ConflictError: The key was used for another spec.
        """
        prices = {name: profile.prices for name, profile in self._profiles.items()}
        spec = expand(document, prices)
        profile = profile_named(self._profiles, spec.training.profile)
        profile.check(spec)
        now = self._clock.now()
        reserve = budget.deployment_reserve(spec, profile.prices)
        study = Study(
            id=names.study_id(spec.study, self._stack, caller, key),
            stack=self._stack,
            submitted_by=caller,
            submitted=now,
            spec=spec,
            profile=profile,
            ledger=budget.Ledger(set_aside=reserve),
        )
        limit = profile.budget(spec)
        money = "no limit of money" if limit is None else f"a budget of {show_money(limit)}"
        kept = f", of which {show_money(reserve)} are kept for the endpoint" if reserve else ""
        reason = (
            f"{caller} submitted {spec.study}: {spec.objective.goal} {spec.objective.metric} over "
            f"{len(spec.search_space)} parameters with {money}{kept}"
        )
        step = Step(study).tell(DecisionKind.SUBMITTED, reason, now)
        kept_study = self._studies.create(step, key=f"{caller}\x00{key}", body_hash=_hash(document))
        self._wakes.put(Wake(kept_study.id, look=False))
        return kept_study

    def command(
        self, study_id: str, kind: CommandKind, *, by: str, command_id: str, plan_hash: str = ""
    ) -> None:
        """Tell a study something; it answers at its next wake, which is at once.

        Raises:
            NotFoundError: There is no such study.
            ConflictError: The study is over, and this is not for one that is.
        """
        study = self._studies.load(study_id)
        if study.phase.is_over and kind is not CommandKind.RESYNC:
            raise ConflictError(f"the study {study_id} is {study.phase}: {kind} has no effect")
        command = Command(
            id=command_id, kind=kind, by=by, at=self._clock.now(), plan_hash=plan_hash or None
        )
        self._commands.give(study_id, command)
        self._wakes.put(Wake(study_id, look=True))

    def answer(self, study_id: str, kind: CommandKind, *, by: str, plan_hash: str) -> Command:
        """Approve or reject a plan; each plan has one answer, the first, whoever gave it.

        Returns:
            The answer that counts: this one, or the one that was first.

        Raises:
            NotFoundError: There is no such study.
            ConflictError: The study is over, and was not by this plan's answer.
        """
        study = self._studies.load(study_id)
        planned = study.deployment
        if planned is not None and planned.hash == plan_hash and planned.answer is not None:
            return planned.answer
        if study.phase.is_over:
            raise ConflictError(f"the study {study_id} is {study.phase}: {kind} has no effect")
        command = Command(
            id=f"answer-{plan_hash}", kind=kind, by=by, at=self._clock.now(), plan_hash=plan_hash
        )
        kept = self._commands.give(study_id, command)
        # If whoever was first died before this, the study has still to be woken.
        self._wakes.put(Wake(study_id, look=True))
        return kept


def profile_named(profiles: Mapping[str, Profile], name: str) -> Profile:
    """Return a profile by its name.

    Raises:
        NotAllowedError: There is none of that name.
    """
    if name not in profiles:
        known = ", ".join(sorted(profiles)) or "none"
        message = f"there is no profile {name}; there is {known}"
        raise NotAllowedError((Problem(("training", "profile"), message),))
    return profiles[name]


def _hash(document: Any) -> str:  # noqa: ANN401 - JSON
    return hashlib.sha256(json.dumps(document, sort_keys=True, default=str).encode()).hexdigest()
