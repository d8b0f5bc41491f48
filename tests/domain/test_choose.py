"""The winner of an ended search goes live, waits for a person, or is left, with the reason told."""

from decimal import Decimal
from typing import Any

from tests.support.build import START, document, incumbent, running, study, trial
from tunewright.domain.gates import Live
from tunewright.domain.steps.choose import choose
from tunewright.domain.steps.step import EndpointSeen, Look, Observation, Step, View
from tunewright.domain.study import DecisionKind, DeployModel, Phase, Study

DEPLOY = {"to": "churn-prod", "lease": "1d"}


def ended(deploy: dict[str, Any] | None = None, **changes: Any) -> Study:
    spec = {"deploy": deploy} if deploy else {}
    values = {"phase": Phase.CHOOSING, "incumbent": incumbent(), "spec": spec}
    return study(**{**values, **changes})


def chosen(before: Study, live: Live | None = None, fingerprint: str = "same") -> Step:
    seen = Observation(endpoint=EndpointSeen(live=live, fingerprint=fingerprint))
    step = choose(before, seen, START)
    assert isinstance(step, Step)
    return step


def kinds(step: Step) -> list[DecisionKind]:
    return [each.kind for each in step.decisions]


def champion(value: float) -> Live:
    return Live(model="old", ours=True, metric="validation:auc", value=value, fingerprint="same")


def test_a_search_that_found_nothing_has_failed() -> None:
    step = chosen(ended(incumbent=None))
    assert step.study.phase is Phase.FAILED
    assert kinds(step) == [DecisionKind.FAILED]
    assert step.decisions[0].reason == "no trial gave validation:auc; there is nothing to deploy"


def test_a_study_that_deploys_nothing_is_done_with_its_best_model_named() -> None:
    step = chosen(ended())
    assert step.study.phase is Phase.DONE
    assert kinds(step) == [DecisionKind.DONE]
    assert step.decisions[0].reason == (
        "the best model is that of tw-churn-aaaaaa-r01-001-00000001 (validation:auc 0.875); "
        "the study deploys nothing"
    )


def test_a_winner_without_a_model_cannot_go_live() -> None:
    step = chosen(ended(DEPLOY, incumbent=incumbent(model=None)))
    assert step.study.phase is Phase.DONE
    assert kinds(step) == [DecisionKind.NOT_DEPLOYED, DecisionKind.DONE]
    assert "left no model" in step.decisions[0].reason


def test_a_winner_is_selected_from_all_trials_that_are_there() -> None:
    words = {"winner": {"prefer": {"minimize": "cost"}}}
    before = ended(spec=words, rounds=(running(),))
    assert choose(before, Observation(), START) == Look(View.TRIALS)
    silent = trial(1, metrics={})
    for there in ((), (silent,)):
        step = choose(before, Observation(trials=there), START)
        assert isinstance(step, Step)
        assert step.study == before.but(selected=True), "nothing better is known"
    step = choose(before, Observation(trials=(trial(1, 0.5),)), START)
    assert isinstance(step, Step)
    assert kinds(step) == [DecisionKind.SELECTED]


def test_nothing_is_decided_before_the_endpoint_was_looked_at() -> None:
    assert choose(ended(DEPLOY), Observation(), START) == Look(View.ENDPOINT)


def test_where_nothing_is_live_the_winner_goes_live_by_itself() -> None:
    step = chosen(ended(DEPLOY))
    planned = step.study.deployment
    assert planned is not None
    assert step.study.phase is Phase.DEPLOYING
    assert step.study.owed == (DeployModel(model=planned.model, endpoint="tw-churn-prod"),)
    assert planned.model == "tw-churn-aaaaaa-v1"
    assert planned.price_per_hour == Decimal("0.115")
    assert planned.environment == {}
    assert kinds(step) == [DecisionKind.DEPLOY_PLANNED]
    assert step.decisions[0].reason == (
        "tw-churn-aaaaaa-r01-001-00000001 goes live at tw-churn-prod: nothing is live at "
        "churn-prod yet; it costs $2.76 a day, until its lease of 1 d ends"
    )
    assert step.decisions[0].numbers["plan_hash"] == planned.hash


def test_what_is_live_stays_when_it_is_not_beaten() -> None:
    step = chosen(ended(DEPLOY), champion(0.875))
    assert step.study.phase is Phase.DONE
    assert step.study.deployment is None
    assert kinds(step) == [DecisionKind.NOT_DEPLOYED, DecisionKind.DONE]
    assert "what is live at churn-prod stays" in step.decisions[0].reason
    assert step.decisions[0].numbers["gain"] == 0.0


def test_a_person_is_asked_for_exactly_one_plan() -> None:
    step = chosen(ended(DEPLOY), champion(0.5), fingerprint="other data")
    assert step.study.phase is Phase.AWAITING_APPROVAL
    assert step.study.owed == ()
    assert step.study.deployment is not None
    assert kinds(step) == [DecisionKind.APPROVAL_NEEDED]
    assert step.decisions[0].numbers["plan_hash"] == step.study.deployment.hash
    assert step.decisions[0].reason.startswith(
        "may tw-churn-aaaaaa-r01-001-00000001 go live at tw-churn-prod for $2.76 a day? old was"
    )


def test_another_model_or_machine_is_another_plan() -> None:
    plans = [
        chosen(ended(DEPLOY)),
        chosen(ended(DEPLOY, incumbent=incumbent(model="s3://output/other"))),
        chosen(ended({**DEPLOY, "instance": "ml.m5.xlarge"})),
        chosen(ended({**DEPLOY, "count": 2})),
    ]
    hashes = {step.study.deployment.hash for step in plans if step.study.deployment}
    assert len(hashes) == 4
    assert plans[3].study.deployment is not None
    assert plans[3].study.deployment.price_per_hour == Decimal("0.23")


def test_a_script_is_served_by_itself() -> None:
    training = {key: value for key, value in document()["training"].items() if key != "algorithm"}
    training |= {
        "script": {
            "framework": "sklearn",
            "entry_point": "train.py",
            "source_dir": "s3://data/source.tar.gz",
        },
        "metrics": {"validation:auc": "auc=([0-9.]+)"},
    }
    step = chosen(ended(spec={"training": training, "deploy": DEPLOY}))
    assert step.study.deployment is not None
    assert step.study.deployment.environment == {
        "SAGEMAKER_PROGRAM": "train.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": "s3://data/source.tar.gz",
    }
    assert "scikit-learn" in step.study.deployment.image


def test_who_is_asked_is_told_of_the_limits_that_the_winner_does_not_keep() -> None:
    broken = incumbent(breaks=("cost is 1, not <= 0.5",))
    for deploy in (DEPLOY, {**DEPLOY, "approve": True}):
        step = chosen(ended(deploy, incumbent=broken))
        assert step.study.phase is Phase.AWAITING_APPROVAL
        assert "a day? cost is 1, not <= 0.5; nothing is live" in step.decisions[0].reason
    step = chosen(ended(DEPLOY, incumbent=broken), champion(0.9))
    assert step.study.phase is Phase.DONE
    assert "(validation:auc 0.875, but cost is 1, not <= 0.5)" in step.decisions[-1].reason
