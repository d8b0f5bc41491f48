"""Turns a form into an explicit study, filling in defaults and finding what contradicts itself.

Everything that can be known without asking AWS is checked here, before any request: what is found
is told with the path of the key, all at once.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tunewright.domain import algorithms
from tunewright.domain.checks import check_spec
from tunewright.domain.errors import Problem, SpecError
from tunewright.domain.expand_rules import expand_rule, given
from tunewright.domain.expand_space import expand_range, with_limits
from tunewright.domain.expand_winner import expand_winner
from tunewright.domain.form import InputForm, SpotForm, StudyForm, TrainingForm
from tunewright.domain.objective import Goal, Objective
from tunewright.domain.raw import read_tuning_job
from tunewright.domain.read import read_form
from tunewright.domain.shapes import CONFIG, DEFINITION, misshapen
from tunewright.domain.space import SearchSpace
from tunewright.domain.spec import (
    DEFAULT_RULES,
    Deploy,
    Event,
    Input,
    Refine,
    Rounds,
    Script,
    Strategy,
    StudySpec,
    Training,
)
from tunewright.domain.values import word

_RAW_EXCLUDES = ("objective",)
_RAW_ALLOWS = {"training": {"profile"}, "rounds": {"max", "sizes", "parents"}}


def expand(
    document: object, prices: Mapping[str, Mapping[str, Decimal]] | None = None
) -> StudySpec:
    """Read a document into an explicit study.

    Args:
        document: As it came out of YAML or JSON.
        prices: What each profile, by name, says of prices beside our table.

    Raises:
        SpecError: Something is wrong with it; every problem that can be found is told.
    """
    form = read_form(document)
    problems: list[Problem] = []
    spec = _from_raw(form, problems) if form.tuning_job is not None else _from_keys(form, problems)
    if spec is None:
        raise SpecError(tuple(problems))
    problems.extend(check_spec(spec, (prices or {}).get(spec.training.profile, {})))
    if problems:
        raise SpecError(tuple(problems))
    return spec


def _from_keys(form: StudyForm, problems: list[Problem]) -> StudySpec | None:
    parts = {
        "objective": form.objective,
        "training": form.training,
        "search_space": form.search_space,
    }
    for key, part in parts.items():
        if part is None:
            problems.append(Problem((key,), f"is required: {_HINTS[key]}"))
    if form.objective is None or form.training is None or form.search_space is None:
        return None
    objective = Objective(
        metric=form.objective.maximize or form.objective.minimize or "",
        goal=Goal.MAXIMIZE if form.objective.maximize else Goal.MINIMIZE,
        target=form.objective.target,
    )
    training = _training(form.training)
    own: tuple[tuple[tuple[str, str], Mapping[str, Any], Mapping[str, Any]], ...] = (
        (("training", "definition"), form.training.definition, DEFINITION),
        (("rounds", "config"), form.rounds.config if form.rounds else {}, CONFIG),
    )
    for path, given_members, shape in own:
        problems.extend(misshapen(given_members, shape, path))
    ranges = [
        expand_range(name, entry, training, problems) for name, entry in form.search_space.items()
    ]
    if problems:
        return None
    space = SearchSpace(ranges=tuple(each for each in ranges if each is not None))
    return _study(form, objective, training, space, _rounds(form, Rounds()), problems)


_HINTS = {
    "objective": "say what is to be made better, such as {maximize: validation:auc}",
    "training": "say what a trial runs, such as {algorithm: xgboost:1.7-1, inputs: {…}}",
    "search_space": "name the parameters with their ranges, such as max_depth: [3, 12]",
}


def _from_raw(form: StudyForm, problems: list[Problem]) -> StudySpec | None:
    for key in _RAW_EXCLUDES:
        if getattr(form, key) is not None:
            problems.append(Problem((key,), "comes from tuning_job; leave one of the two out"))
    for key, allowed in _RAW_ALLOWS.items():
        part = getattr(form, key)
        for stray in sorted((part.model_fields_set if part else set()) - allowed):
            problems.append(Problem((key, stray), "comes from tuning_job; leave it out here"))
    raw = read_tuning_job(form.tuning_job or {}, problems)
    if raw is None:
        return None
    profile = form.training.profile if form.training else None
    training = raw.training.but(profile=profile) if profile else raw.training
    ranges = tuple(
        with_limits(each, (form.search_space or {}).get(each.name), training, problems)
        for each in raw.search_space.ranges
    )
    for stray in (form.search_space or {}).keys() - set(raw.search_space.names):
        problems.append(Problem(("search_space", stray), "tuning_job searches no such parameter"))
    space = SearchSpace(ranges=ranges)
    return _study(form, raw.objective, training, space, _rounds(form, raw.rounds), problems)


def _study(
    form: StudyForm,
    objective: Objective,
    training: Training,
    space: SearchSpace,
    rounds: Rounds,
    problems: list[Problem],
) -> StudySpec:
    rules = form.stop
    known = algorithms.named(training.algorithm)
    limit = known.best_possible(objective.metric) if known else None
    return StudySpec(
        study=form.study,
        objective=objective.but(best_possible=limit),
        training=training,
        search_space=space,
        rounds=rounds,
        budget=form.budget,
        stop=DEFAULT_RULES
        if rules is None
        else tuple(expand_rule(rule, index, problems) for index, rule in enumerate(rules)),
        refine=_refine(form),
        notify=tuple(form.notify.events) if form.notify else tuple(Event),
        winner=expand_winner(form.winner, problems),
        deploy=_deploy(form),
    )


def _training(form: TrainingForm) -> Training:
    filled = given(form, "profile", "instance", "count", "volume_gb", "max_run", "image")
    builtin = form.algorithm is not None
    return Training(
        **filled,
        algorithm=_with_version(form.algorithm),
        script=_script(form),
        spot_max_wait=_spot(form),
        inputs={name: _input(entry, builtin) for name, entry in form.inputs.items()},
        fixed={name: word(value) for name, value in form.fixed.items()},
        metrics=form.metrics,
        environment={name: word(value) for name, value in form.environment.items()},
        definition=form.definition,
    )


def _with_version(algorithm: str | None) -> str | None:
    """Write the version out where a person left it to us: the newest that AWS lists."""
    known = algorithms.ALGORITHMS.get(algorithm or "")
    return f"{known.name}:{known.versions[-1]}" if known else algorithm


def _script(form: TrainingForm) -> Script | None:
    if form.script is None:
        return None
    known = algorithms.FRAMEWORKS.get(form.script.framework)
    version = form.script.version or (known.versions[-1] if known else "")
    return Script(
        framework=form.script.framework,
        version=version,
        entry_point=form.script.entry_point,
        source_dir=form.script.source_dir,
    )


def _spot(form: TrainingForm) -> int | None:
    if isinstance(form.spot, SpotForm):
        return form.spot.max_wait
    if form.spot:  # AWS wants max_wait >= max_run; as long again leaves room for one interruption.
        return 2 * (form.max_run or Training().max_run)
    return None


def _input(entry: str | InputForm, builtin: bool) -> Input:
    default = "text/csv" if builtin else None  # XGBoost would take a channel without type as libsvm
    if isinstance(entry, str):
        return Input(uri=entry, content_type=default)
    return Input(uri=entry.uri, content_type=entry.content_type or default, extra=entry.extra)


def _rounds(form: StudyForm, base: Rounds) -> Rounds:
    part = form.rounds
    if part is None:
        return _warm_startable(base)
    filled = given(part, "max", "trials", "parallel", "early_stopping", "sizes", "seed")
    if part.strategy:
        filled["strategy"] = Strategy(part.strategy.capitalize())
    if part.config:
        filled["config"] = part.config
    if part.parents:
        filled["parents"] = tuple(part.parents)
    rounds = base.but(**filled)
    return rounds if part.max is not None else _warm_startable(rounds)


def _warm_startable(rounds: Rounds) -> Rounds:
    """Leave it at one round where AMT cannot warm-start another."""
    warm = rounds.strategy in {Strategy.BAYESIAN, Strategy.RANDOM}
    return rounds if warm else rounds.but(max=1)


def _refine(form: StudyForm) -> Refine:
    if form.refine is None:
        return Refine()
    filled = given(form.refine, "keep_exploring")
    if form.refine.when and form.refine.when.gain_above is not None:
        filled["gain_above"] = float(form.refine.when.gain_above)
    return Refine(**filled)


def _deploy(form: StudyForm) -> Deploy | None:
    if form.deploy is None:
        return None
    filled = given(form.deploy, "to", "instance", "count", "approve", "lease")
    if form.deploy.when and form.deploy.when.better_than_live_by is not None:
        filled["better_than_live_by"] = float(form.deploy.when.better_than_live_by)
    return Deploy(**filled)
