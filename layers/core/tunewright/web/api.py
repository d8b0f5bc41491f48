"""Answers requests: finds the route, asks the app, and translates what comes of it."""

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from tunewright.app.plan import plan_study
from tunewright.app.ports import StudyStore, TrialStore
from tunewright.app.studies import Studies, profile_named
from tunewright.app.views import (
    decision_line,
    profile_line,
    study_line,
    study_whole,
    trial_line,
    what_if_line,
)
from tunewright.domain.errors import ConflictError, NotFoundError
from tunewright.domain.expand import expand
from tunewright.domain.expand_rules import expand_rules
from tunewright.domain.objective import Goal, Objective
from tunewright.domain.profile import Profile
from tunewright.domain.selection import knee, pareto
from tunewright.domain.study import CommandKind
from tunewright.domain.trial import Trial
from tunewright.domain.whatif import what_if
from tunewright.web.errors import answer_of
from tunewright.web.openapi import APPROVAL_SCHEMA, describe
from tunewright.web.request import BadRequestError, Request, read_event, read_json
from tunewright.web.routes import OPEN_ROUTES, ROUTES, SORTS

_LOG = logging.getLogger(__name__)
_PAGE = 50
Answer = tuple[int, Any]


class Api:
    """The API of one stack."""

    def __init__(
        self,
        *,
        stack: str,
        version: str,
        studies: Studies,
        store: StudyStore,
        trials: TrialStore,
        profiles: Mapping[str, Profile],
    ) -> None:
        self._stack = stack
        self._version = version
        self._studies = studies
        self._store = store
        self._trials = trials
        self._profiles = profiles

    def handle(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a REST API proxy event; it never raises."""
        request_id = str((event.get("requestContext") or {}).get("requestId") or "")
        try:
            status, body = self.answer(read_event(event))
        except Exception as error:  # noqa: BLE001 - the one place where any error becomes an answer
            status, body = answer_of(error, request_id)
            if status >= 500:
                _LOG.exception("request %s failed", request_id)
        return {
            "statusCode": status,
            "headers": {"Content-Type": "application/json", "Cache-Control": "no-store"},
            "body": json.dumps(body, default=str),
        }

    def answer(self, request: Request) -> Answer:
        """Answer a request with a status and a body.

        Raises:
            BadRequestError: There is no such route, or the request cannot be read.
            TunewrightError: What was asked for cannot be.
        """
        for route in ROUTES:
            found = route.match(request.method, request.path)
            if found is not None:
                return self._ask(route.name, request, found)
        if any(route.match(route.method, request.path) is not None for route in ROUTES):
            message = f"{request.path} does not take {request.method}"
            raise BadRequestError(message, status=405, code="method_not_allowed")
        message = f"there is no {request.path}; GET /openapi.json tells what there is"
        raise BadRequestError(message, status=404, code="no_such_route")

    def _ask(self, name: str, request: Request, found: dict[str, str]) -> Answer:
        study_id = found.get("id", "")
        match name:
            case "submit":
                return self._submit(request)
            case "plan":
                return self._plan(request)
            case "studies":
                return self._list(request)
            case "study":
                return 200, study_whole(self._store.load(study_id))
            case "trials" | "decisions":
                return self._rows(name, request, study_id)
            case "approval":
                return self._approve(request, study_id)
            case "whatif":
                return self._what_if(request, study_id)
            case "profile":
                return self._profile(found["name"])
            case "openapi":
                return 200, describe((*ROUTES, *OPEN_ROUTES), self._version)
            case _:
                return self._tell(request, study_id, CommandKind(name))

    def _submit(self, request: Request) -> Answer:
        key = request.headers.get("idempotency-key", "")
        if not 0 < len(key) <= 255:
            message = "send an Idempotency-Key header of 1 to 255 characters, new for each study"
            raise BadRequestError(message, code="idempotency_key_required")
        study = self._studies.submit(read_json(request), caller=request.caller, key=key)
        return (201 if study.version == 1 else 200), study_whole(study)

    def _plan(self, request: Request) -> Answer:
        spec = expand(read_json(request))
        profile = profile_named(self._profiles, spec.training.profile)
        return 200, plan_study(spec, profile, stack=self._stack).model_dump(mode="json")

    def _list(self, request: Request) -> Answer:
        limit = _limit(request)
        studies = self._store.newest(limit + 1, before=request.query.get("next"))
        more = studies[limit - 1].id if len(studies) > limit else None
        return 200, {"studies": [study_line(each) for each in studies[:limit]], "next": more}

    def _rows(self, name: str, request: Request, study_id: str) -> Answer:
        study = self._store.load(study_id)
        if name == "decisions":
            lines = [decision_line(each) for each in self._store.decisions(study_id)]
            return 200, _page(request, lines, name)
        sort = _choice(request, "sort", SORTS, "name")
        down = _choice(request, "order", ("asc", "desc"), "asc") == "desc"
        trials, bend = self._trials.of_study(study_id), None
        if "front" in request.query:
            trials, bend = _front(trials, study.spec.objective, request.query["front"])
        rows = sort_trials(trials, sort, down=down)
        lines = [trial_line(each) for each in rows]
        if bend is not None:
            lines = [line | {"knee": line["name"] == bend.name} for line in lines]
        return 200, _page(request, lines, name)

    def _what_if(self, request: Request, study_id: str) -> Answer:
        study = self._store.load(study_id)
        rules = expand_rules(read_json(request))
        found = what_if(study, self._trials.of_study(study_id), rules)
        return 200, what_if_line(found, study.spec.objective.metric)

    def _profile(self, name: str) -> Answer:
        if name not in self._profiles:
            known = ", ".join(sorted(self._profiles)) or "none"
            raise NotFoundError(f"there is no profile {name}; there is {known}")
        return 200, profile_line(self._profiles[name])

    def _tell(self, request: Request, study_id: str, kind: CommandKind) -> Answer:
        self._studies.command(study_id, kind, by=request.caller, command_id=request.id or kind)
        return 202, study_whole(self._store.load(study_id))

    def _approve(self, request: Request, study_id: str) -> Answer:
        told = read_json(request)
        if not isinstance(told, dict) or told.keys() != APPROVAL_SCHEMA["properties"].keys():
            raise BadRequestError('send {"answer": "approve" or "reject", "plan_hash": "…"}')
        answer, plan_hash = told["answer"], told["plan_hash"]
        if (
            answer not in {"approve", "reject"}
            or not isinstance(plan_hash, str)
            or not 0 < len(plan_hash) <= 64
        ):
            raise BadRequestError("answer is approve or reject; plan_hash is that of the plan")
        kept = self._studies.answer(
            study_id, CommandKind(answer), by=request.caller, plan_hash=plan_hash
        )
        if kept.kind is not CommandKind(answer):
            raise ConflictError(
                f"{kept.by} answered this plan first, at {kept.at:%H:%M} UTC: {kept.kind}"
            )
        return 202, study_whole(self._store.load(study_id))


def _front(
    trials: tuple[Trial, ...], objective: Objective, name: str
) -> tuple[tuple[Trial, ...], Trial | None]:
    """Return the Pareto front of the objective and a quantity to be little of, and its knee.

    Raises:
        BadRequestError: No trial has both.
    """
    second = Objective(metric=name, goal=Goal.MINIMIZE)
    found = pareto((each for each in trials if each.is_scored), objective, second)
    if not found:
        message = (
            f"no trial has {objective.metric} and {name}; cost and seconds are known of every "
            "trial that is billed"
        )
        raise BadRequestError(message)
    return tuple(found), knee(found, objective, second)


def sort_trials(trials: tuple[Trial, ...], sort: str, *, down: bool) -> list[Trial]:
    """Sort trials; those without the value that is sorted by come last, whatever the order."""
    keys: dict[str, Callable[[Trial], Any]] = {
        "name": lambda trial: trial.name,
        "created": lambda trial: trial.created,
        "objective": lambda trial: trial.objective,
        "cost": lambda trial: trial.cost,
    }
    key = keys[sort]
    known = [trial for trial in trials if key(trial) is not None]
    rest = [trial for trial in trials if key(trial) is None]
    return [*sorted(known, key=lambda trial: (key(trial), trial.name), reverse=down), *rest]


def _limit(request: Request) -> int:
    text = request.query.get("limit", str(_PAGE))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:4]) <= 100:
        raise BadRequestError("limit is a whole number from 1 to 100")
    return int(text)


def _choice(request: Request, name: str, choices: tuple[str, ...], default: str) -> str:
    value = request.query.get(name, default)
    if value not in choices:
        raise BadRequestError(f"{name} is one of {', '.join(choices)}")
    return value


def _page(request: Request, rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """Cut a page out of rows; `next` is the number of the row with which the next one begins."""
    start = request.query.get("next", "0")
    if not start.isascii() or not start.isdigit() or len(start) > 6:
        raise BadRequestError("next is what the page before gave as next")
    first, limit = int(start), _limit(request)
    more = str(first + limit) if len(rows) > first + limit else None
    return {name: rows[first : first + limit], "next": more}
