"""Turns a form into an explicit study, filling in defaults and finding what contradicts itself.

Everything that can be known without asking AWS is checked here, before any request: what is found
is told with the path of the key, all at once.
"""

import math
from typing import Any, Literal

from tunewright.domain import algorithms
from tunewright.domain.checks import check_spec
from tunewright.domain.errors import Problem, SpecError
from tunewright.domain.form import (
    ChoiceForm,
    InputForm,
    NotImprovingForm,
    RangeForm,
    RuleForm,
    SpotForm,
    StudyForm,
    TrainingForm,
)
from tunewright.domain.objective import Goal, Objective
from tunewright.domain.raw import read_tuning_job
from tunewright.domain.read import read_form
from tunewright.domain.space import (
    CategoricalRange,
    ContinuousRange,
    IntegerRange,
    Scaling,
    SearchSpace,
    choose_scaling,
)
from tunewright.domain.spec import (
    DEFAULT_GAIN,
    DEFAULT_RULES,
    Deploy,
    Event,
    Failures,
    Gain,
    Input,
    NoMetric,
    NotImproving,
    Refine,
    Rounds,
    Rule,
    Script,
    Spend,
    Strategy,
    StudySpec,
    Target,
    Training,
    WallClock,
)

_SCALINGS = {
    "linear": Scaling.LINEAR,
    "log": Scaling.LOGARITHMIC,
    "reverse_log": Scaling.REVERSE_LOGARITHMIC,
}
_RAW_EXCLUDES = ("objective",)
_RAW_ALLOWS = {"training": {"profile"}, "rounds": {"max", "sizes", "parents"}}


def expand(document: object) -> StudySpec:
    """Read a document into an explicit study.

    Raises:
        SpecError: Something is wrong with it; every problem that can be found is told.
    """
    form = read_form(document)
    problems: list[Problem] = []
    spec = _from_raw(form, problems) if form.tuning_job is not None else _from_keys(form, problems)
    if spec is None:
        raise SpecError(tuple(problems))
    problems.extend(check_spec(spec))
    if problems:
        raise SpecError(tuple(problems))
    return spec


def _from_keys(form: StudyForm, problems: list[Problem]) -> StudySpec | None:
    given = {
        "objective": form.objective,
        "training": form.training,
        "search_space": form.search_space,
    }
    for key, part in given.items():
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
    ranges = [_range(name, entry, training, problems) for name, entry in form.search_space.items()]
    if any(each is None for each in ranges):
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
        _with_limits(each, (form.search_space or {}).get(each.name), training, problems)
        for each in raw.search_space.ranges
    )
    for stray in (form.search_space or {}).keys() - set(raw.search_space.names):
        problems.append(Problem(("search_space", stray), "tuning_job searches no such parameter"))
    space = SearchSpace(ranges=ranges)
    return _study(form, raw.objective, training, space, _rounds(form, raw.rounds), problems)


def _with_limits(
    range_: ContinuousRange | IntegerRange | CategoricalRange,
    entry: object,
    training: Training,
    problems: list[Problem],
) -> ContinuousRange | IntegerRange | CategoricalRange:
    """Give a raw range its hard limits: the person's `never_beyond`, else the catalogue's."""
    path = ("search_space", range_.name)
    if entry is not None and not (
        isinstance(entry, RangeForm) and entry.model_fields_set == {"never_beyond"}
    ):
        problems.append(Problem(path, "comes from tuning_job; only never_beyond may be given here"))
        return range_
    if isinstance(range_, CategoricalRange):
        return range_
    pair = entry.never_beyond if isinstance(entry, RangeForm) else None
    low, high = _hard_limits(range_.name, range_.low, range_.high, pair, training, range_.kind)
    return range_.but(hard_low=low, hard_high=high)


def _study(
    form: StudyForm,
    objective: Objective,
    training: Training,
    space: SearchSpace,
    rounds: Rounds,
    problems: list[Problem],
) -> StudySpec:
    rules = form.stop
    return StudySpec(
        study=form.study,
        objective=objective,
        training=training,
        search_space=space,
        rounds=rounds,
        budget=form.budget,
        stop=DEFAULT_RULES
        if rules is None
        else tuple(_rule(rule, index, problems) for index, rule in enumerate(rules)),
        refine=_refine(form),
        notify=tuple(form.notify.events) if form.notify else tuple(Event),
        deploy=_deploy(form),
    )


def _training(form: TrainingForm) -> Training:
    given = _given(form, "profile", "instance", "count", "volume_gb", "max_run", "image")
    builtin = form.algorithm is not None
    return Training(
        **given,
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


def word(value: object) -> str:
    """Write a value as AWS takes hyperparameters: as text.

    >>> word(300), word(True), word(0.1)
    ('300', 'true', '0.1')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _range(
    name: str,
    entry: list[int | float] | ChoiceForm | RangeForm,
    training: Training,
    problems: list[Problem],
) -> ContinuousRange | IntegerRange | CategoricalRange | None:
    path = ("search_space", name)
    if isinstance(entry, ChoiceForm):
        words = tuple(word(value) for value in entry.choose)
        return CategoricalRange(name=name, choices=words, hard_choices=words)
    form = RangeForm(range=entry) if isinstance(entry, list) else entry
    if form.range is None:
        problems.append(Problem(path, "needs range: [least, greatest] or choose: [a, b]"))
        return None
    if form.log is not None and form.scaling is not None:
        problems.append(Problem(path, "log and scaling say the same; leave one of the two out"))
        return None
    if not all(math.isfinite(each) for each in (*form.range, *(form.never_beyond or ()))):
        problems.append(Problem(path, "a bound must be a finite number"))
        return None
    return _numeric(name, form, training, problems)


def _numeric(
    name: str, form: RangeForm, training: Training, problems: list[Problem]
) -> ContinuousRange | IntegerRange | None:
    low, high = form.range or (0, 0)
    whole = isinstance(low, int) and isinstance(high, int)
    kind: Literal["continuous", "integer"] = form.type or ("integer" if whole else "continuous")
    hard = _hard_limits(name, low, high, form.never_beyond, training, kind)
    if kind == "continuous":
        return ContinuousRange(
            name=name,
            low=float(low),
            high=float(high),
            hard_low=hard[0],
            hard_high=hard[1],
            scaling=_scaling(form, low, high),
            auto_scaling=form.log is None and form.scaling in {None, "auto"},
        )
    if any(each != int(each) for each in (low, high, *hard)):
        problems.append(
            Problem(("search_space", name), "an integer range has whole numbers as bounds")
        )
        return None
    return IntegerRange(
        name=name,
        low=int(low),
        high=int(high),
        hard_low=int(hard[0]),
        hard_high=int(hard[1]),
        scaling=_scaling(form, low, high),
        auto_scaling=form.log is None and form.scaling in {None, "auto"},
    )


def _scaling(form: RangeForm, low: float, high: float) -> Scaling:
    if form.log is not None:
        return Scaling.LOGARITHMIC if form.log else Scaling.LINEAR
    return _SCALINGS.get(form.scaling or "auto") or choose_scaling(low, high)


def _hard_limits(
    name: str,
    low: float,
    high: float,
    never_beyond: list[int | float] | None,
    training: Training,
    kind: str,
) -> tuple[float, float]:
    """Find how far a range may ever move: the person's word, else what the algorithm allows."""
    if never_beyond is not None:
        return float(never_beyond[0]), float(never_beyond[1])
    known = algorithms.ALGORITHMS.get((training.algorithm or "").partition(":")[0])
    limits = known.parameters.get(name) if known else None
    if limits is None or limits.kind != kind:
        return float(low), float(high)
    return min(float(low), limits.low), max(float(high), limits.high)


def _rounds(form: StudyForm, base: Rounds) -> Rounds:
    part = form.rounds
    if part is None:
        return _warm_startable(base)
    given = _given(part, "max", "trials", "parallel", "early_stopping", "sizes", "seed")
    if part.strategy:
        given["strategy"] = Strategy(part.strategy.capitalize())
    if part.config:
        given["config"] = part.config
    if part.parents:
        given["parents"] = tuple(part.parents)
    rounds = base.but(**given)
    return rounds if part.max is not None else _warm_startable(rounds)


def _warm_startable(rounds: Rounds) -> Rounds:
    """Leave it at one round where AMT cannot warm-start another."""
    warm = rounds.strategy in {Strategy.BAYESIAN, Strategy.RANDOM}
    return rounds if warm else rounds.but(max=1)


def _rule(form: RuleForm, index: int, problems: list[Problem]) -> Rule:
    key = next(iter(form.model_fields_set))
    path = ("stop", index, key)
    match key:
        case "not_improving":
            return _not_improving(form.not_improving or NotImprovingForm(), path, problems)
        case "failures":
            return Failures(**_given(form.failures, "share", "after"))
        case "no_metric":
            return NoMetric(**_given(form.no_metric, "after"))
        case "wall_clock" if form.wall_clock is not None:
            return WallClock(limit=form.wall_clock)
        case "spend" if form.spend is not None:
            return Spend(limit=form.spend)
        case "target" if form.target is not None:
            return Target(value=form.target)
    problems.append(Problem(path, "needs a value"))
    return NoMetric()


def _not_improving(
    form: NotImprovingForm, path: tuple[str | int, ...], problems: list[Problem]
) -> NotImproving:
    gain = DEFAULT_GAIN
    if form.min_gain is not None:
        try:
            gain = parse_gain(form.min_gain)
        except ValueError as error:
            problems.append(Problem((*path, "min_gain"), str(error)))
    return NotImproving(**_given(form, "trials", "warm_up"), min_gain=gain)


def parse_gain(text: str | float) -> Gain:
    """Read a gain: `0.001` (in the metric's units), `1%` (of the best), `2% of spread`.

    Raises:
        ValueError: It is none of these, or less than nothing.

    >>> parse_gain("2% of spread")
    Gain(kind='spread', amount=0.02)
    """
    wrong = ValueError("a gain is a number such as 0.001, a share such as 1%, or 2% of spread")
    kind: Literal["absolute", "relative", "spread"] = "absolute"
    if isinstance(text, str):
        share, _, of = text.partition("%")
        if of.strip() not in {"", "of spread"}:
            raise wrong
        if "%" in text:
            kind = "spread" if of.strip() else "relative"
        try:
            text = float(share) / (100 if "%" in text else 1)
        except ValueError as error:
            raise wrong from error
    if isinstance(text, bool) or not 0 <= text < math.inf:
        raise wrong
    return Gain(kind=kind, amount=float(text))


def _refine(form: StudyForm) -> Refine:
    if form.refine is None:
        return Refine()
    given = _given(form.refine, "keep_exploring")
    if form.refine.when and form.refine.when.gain_above is not None:
        given["gain_above"] = float(form.refine.when.gain_above)
    return Refine(**given)


def _deploy(form: StudyForm) -> Deploy | None:
    if form.deploy is None:
        return None
    given = _given(form.deploy, "to", "instance", "count", "approve", "lease")
    if form.deploy.when and form.deploy.when.better_than_live_by is not None:
        given["better_than_live_by"] = float(form.deploy.when.better_than_live_by)
    return Deploy(**given)


def _given(form: Any, *keys: str) -> dict[str, Any]:  # noqa: ANN401 - any of the forms
    """Return those keys of a form that a person gave a value."""
    values = {key: getattr(form, key, None) for key in keys}
    return {key: value for key, value in values.items() if value is not None}
