"""Replays recorded trials under other stopping rules: what they would have saved, and lost.

It tells only what the record can tell. A round that other rules would have ended sooner is cut
there, and the rounds after it are taken as they were, only sooner; what would have come after the
end of the record nobody knows, and that is said.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from tunewright.domain.limits import beyond, broken
from tunewright.domain.round import EARLY_TRIALS, Bar, Progress, Round, spread
from tunewright.domain.spec import DEFAULT_GAIN, NotImproving, Rule, Target, WallClock, simple
from tunewright.domain.steps.fold import carry
from tunewright.domain.stopping import Ends, Situation, is_due, judge, look_out
from tunewright.domain.study import Study
from tunewright.domain.trial import Trial
from tunewright.domain.values import Value, show_gain, show_money, show_number


class Firing(Value):
    """Where a rule would have ended a round.

    Attributes:
        round_number: The round.
        rule: The rule's name.
        reason: Its verdict, in one sentence.
        ends: What it ends.
        trials: Trials of the round that would have been launched.
        at: When it would have fired.
    """

    round_number: int
    rule: str
    reason: str
    ends: Ends
    trials: int
    at: datetime


class WhatIf(Value):
    """What other stopping rules would have come to.

    Attributes:
        trials: Trials that would have been launched.
        recorded_trials: Trials that were.
        spent: What they would have cost, in US dollars.
        recorded_spent: What they did cost.
        best: The best objective that would have been found; None for none.
        best_trial: The trial that has it.
        recorded_best: The best that was found.
        lost: How much worse `best` is, in the metric's units, 0 or more; None where nothing would
            have been found.
        lost_share: The same as a share of how far the first recorded trials' median lay behind the
            recorded best, whatever the rules: so that the losses of two replays compare.
        firings: Where rules would have fired.
        unknown_after: Rounds that these rules would not have ended where they did end: what more
            trials would have brought is not recorded.
    """

    trials: int
    recorded_trials: int
    spent: Decimal
    recorded_spent: Decimal
    best: float | None
    best_trial: str | None
    recorded_best: float | None
    lost: float | None
    lost_share: float | None
    firings: tuple[Firing, ...]
    unknown_after: tuple[int, ...]

    def sentence(self, metric: str) -> str:
        """Say it as a person would."""
        saved = self.recorded_spent - self.spent
        text = (
            f"{self.trials} of {self.recorded_trials} trials, {show_money(saved)} of "
            f"{show_money(self.recorded_spent)} saved"
        )
        if self.best is None or self.lost is None:
            return f"{text}; no {metric} that could win would have been found"
        if self.lost == 0:
            return f"{text}; the best {metric} is the same, {show_number(self.best)}"
        return f"{text}; {metric} {show_number(self.best)}, worse by {show_gain(self.lost)}"


def what_if(study: Study, trials: Iterable[Trial], rules: Sequence[Rule]) -> WhatIf:
    """Replay a study under other stopping rules.

    Args:
        study: The study with its rounds; its objective's target stays a rule.
        trials: All its recorded trials; the others' jobs are left out.
        rules: The rules instead of the study's own.
    """
    target = study.spec.objective.target
    every = (*(() if target is None else (Target(value=target),)), *rules)
    ended = sorted(
        {trial.name: trial for trial in trials if trial.is_ended}.values(),
        key=lambda trial: (trial.ended or trial.created, trial.name),
    )
    replay = _Replay(study, every)
    for each in study.rounds:
        replay.run(each, [trial for trial in ended if trial.tuning_job == each.plan.job])
    return replay.result()


class _Replay:
    """The rounds so far, under the other rules."""

    def __init__(self, study: Study, rules: tuple[Rule, ...]) -> None:
        self.study, self.rules = study, rules
        told = [rule.min_gain for rule in simple(rules) if isinstance(rule, NotImproving)]
        self.gain = told[0] if told else DEFAULT_GAIN
        self.limits = study.spec.winner.subject_to
        self.recorded: list[Trial] = []
        self.launched, self.spent = 0, Decimal(0)
        self.best: Trial | None = None
        self.progress = Progress()
        self.known: list[Trial] = []
        self.judged = 0
        self.firings: list[Firing] = []
        self.unknown: list[int] = []
        self.over = False
        limits = (rule.limit for rule in simple(rules) if isinstance(rule, WallClock))
        self.deadlines = sorted(study.submitted + timedelta(seconds=each) for each in limits)
        self.sooner = timedelta(0)  # By so much the rounds that were cut let the later ones begin.

    def run(self, round_: Round, trials: list[Trial]) -> None:
        """Replay one round."""
        self.recorded += trials
        if self.over:
            return
        self.progress = carry(self.progress)
        self.judged = len(self.known)
        for number, trial in enumerate(trials):
            ended = trial.ended or trial.created
            while self.deadlines and self.deadlines[0] < ended - self.sooner:
                # The clock does not wait for the end of a trial.
                when = self.deadlines.pop(0) + self.sooner
                if (fired := self._fired(round_, when)) is not None:
                    self._cut(round_, trials[number:], fired, when)
                    return
            self._fold(trial)
            if (fired := self._fired(round_, ended)) is not None:
                self._cut(round_, trials[number + 1 :], fired, ended)
                return
        if round_.stopped_by is not None:
            self.unknown.append(round_.plan.number)

    def result(self) -> WhatIf:
        """Compare with the record."""
        objective = self.study.spec.objective
        best, found = (
            each if each and not broken(each, self.limits) else None
            for each in (_best(self.recorded, self.study), self.best)
        )
        then, now = (each.objective if each else None for each in (best, found))
        lost = None if then is None or now is None else max(0.0, objective.gain(now, then))
        told = tuple(
            each.objective
            for each in self.recorded
            if each.is_scored and each.objective is not None and not broken(each, self.limits)
        )[:EARLY_TRIALS]
        bar = None if best is None or then is None else Bar(value=then, trial=best.name)
        width = spread(told, bar, objective)
        return WhatIf(
            trials=self.launched,
            recorded_trials=len(self.recorded),
            spent=self.spent,
            recorded_spent=sum((trial.cost for trial in self.recorded), Decimal(0)),
            best=now,
            best_trial=found.name if found else None,
            recorded_best=then,
            lost=lost,
            lost_share=lost / width if lost is not None and width > 0 else None,
            firings=tuple(self.firings),
            unknown_after=tuple(self.unknown),
        )

    def _fold(self, trial: Trial) -> None:
        objective = self.study.spec.objective
        self.progress = self.progress.with_trial(trial, objective, self.gain, self.limits)
        self.launched += 1
        self.known.append(trial)
        self.spent += trial.cost
        self.best = _best([each for each in (self.best, trial) if each is not None], self.study)

    def _fired(self, round_: Round, when: datetime, *, is_cut: bool = False) -> Firing | None:
        """Let the rules judge at a moment of the record.

        A round that has all its trials, or was told to stop, ends anyway: what else ends it is of
        no account, and the trials that were stopped with it say nothing of how they would have
        ended. What ends the search still does.
        """
        stopped = round_.told_to_stop is not None and when > round_.told_to_stop
        ends_anyway = is_cut or stopped or self.progress.finished >= round_.plan.trials
        situation = Situation(
            objective=self.study.spec.objective,
            progress=self.progress,
            best=self.best.objective if self.best else None,
            breaks=broken(self.best, self.limits) if self.best else (),
            finished=self.launched,
            parameters=len(self.study.spec.search_space),
            trials=round_.plan.trials,
            parallel=round_.plan.parallel,
            spent=self.spent,
            began=self.study.submitted,
            now=when - self.sooner,
        )
        if not ends_anyway and is_due(self.rules, len(self.known), self.judged):
            self.judged = len(self.known)
            outlook = look_out(
                round_.plan.space,
                self.known,
                self.study.spec.objective,
                study_id=self.study.id,
                round_number=round_.plan.number,
                limits=self.limits,
            )
            situation = situation.but(outlook=outlook)
        for rule in self.rules:
            verdict = judge(rule, situation)
            if verdict.fired and (verdict.ends is Ends.SEARCH or not ends_anyway):
                return Firing(
                    round_number=round_.plan.number,
                    rule=verdict.rule,
                    reason=verdict.reason,
                    ends=verdict.ends,
                    trials=self.progress.finished,
                    at=situation.now,
                )
        return None

    def _cut(self, round_: Round, rest: list[Trial], fired: Firing, when: datetime) -> None:
        """Leave out what was not launched yet; what ran is stopped, and paid for until then."""
        running = [trial for trial in rest if trial.created <= when]
        self.launched += len(running)
        self.spent += sum((_cost_until(trial, when) for trial in running), Decimal(0))
        trials = fired.trials + len(running)
        self.firings.append(fired.but(trials=trials))
        # A person whom this rule asked in the record, too, has answered there.
        answered = fired.ends is Ends.ASKS and round_.stopped_by == fired.rule
        self.over = fired.ends is not Ends.ROUND and not answered
        # What was stopped is counted, too, before another round is begun.
        ends = None if self.over else self._fired(round_, when, is_cut=True)
        if ends is not None:
            self.firings.append(ends.but(trials=trials))
            self.over = True
        self.sooner += max(((each.ended or when) - when for each in rest), default=timedelta(0))


def _cost_until(trial: Trial, when: datetime) -> Decimal:
    """Return what a trial had cost by then, as the share of its time that had passed."""
    start, end = trial.started or trial.created, trial.ended or when
    whole = (end - start).total_seconds()
    if whole <= 0:
        return trial.cost
    share = min(1.0, max(0.0, (when - start).total_seconds() / whole))
    return trial.cost * Decimal(repr(round(share, 6)))


def _best(trials: list[Trial], study: Study) -> Trial | None:
    """Return the best of trials, first by the limits; of equals the first."""
    objective, limits = study.spec.objective, study.spec.winner.subject_to
    scored = [
        (beyond(trial, limits), objective.loss(trial.objective), index)
        for index, trial in enumerate(trials)
        if trial.is_scored and trial.objective is not None
    ]
    return trials[min(scored)[2]] if scored else None
