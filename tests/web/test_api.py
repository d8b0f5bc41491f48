"""The API as callers meet it: what it answers."""

import json
from typing import Any

import pytest

from tests.support.build import document
from tests.support.caller import Caller
from tunewright.domain.study import Phase
from tunewright.web.openapi import describe
from tunewright.web.routes import OPEN_ROUTES, ROUTES


def test_a_study_is_submitted_once_for_a_key(caller: Caller) -> None:
    status, study = caller.submit()
    assert status == 201
    assert study["phase"] == "searching"
    assert study["submitted_by"] == "arn:aws:iam::123456789012:user/ana"
    caller.world.advance(study["id"])
    status, again = caller.submit()
    assert (status, again["id"]) == (200, study["id"])
    status, error = caller.submit(budget="7 USD")
    assert (status, error["error"]) == (409, "conflict")
    assert caller.submit(key="k2")[1]["id"] != study["id"]
    assert len(caller.world.store) == 2


def test_a_key_is_asked_for(caller: Caller) -> None:
    status, error = caller.send("POST", "/studies", document())
    assert (status, error["error"]) == (400, "idempotency_key_required")
    assert not len(caller.world.store)


def test_a_plan_launches_nothing(caller: Caller) -> None:
    status, plan = caller.send("POST", "/studies/plan", document())
    assert status == 200
    assert plan["outline"]["trials"] == 24
    request = plan["request"]
    assert request["HyperParameterTuningJobConfig"]["ResourceLimits"] == {
        "MaxNumberOfTrainingJobs": 8,
        "MaxParallelTrainingJobs": 2,
    }
    assert not len(caller.world.store)
    assert not caller.world.jobs


def test_what_is_wrong_with_a_spec_is_told_by_its_keys(caller: Caller) -> None:
    status, error = caller.send("POST", "/studies/plan", document(study="No Name", budget="1 EUR"))
    assert (status, error["error"]) == (422, "invalid_spec")
    assert error["details"][0]["where"] == "budget"
    assert error["request_id"] == "r1"
    status, error = caller.send(
        "POST", "/studies/plan", document(training={**document()["training"], "profile": "gold"})
    )
    assert (status, error["error"]) == (403, "not_allowed")
    assert "gold" in error["details"][0]["message"]


def test_studies_are_listed_newest_first_page_by_page(caller: Caller) -> None:
    ids = []
    for number in range(5):
        caller.world.pass_time(60)
        ids.append(caller.submit(key=f"k{number}")[1]["id"])
    seen, query = [], {"limit": "2"}
    while True:
        status, page = caller.send("GET", "/studies", query=query)
        assert status == 200
        seen += [each["id"] for each in page["studies"]]
        if page["next"] is None:
            break
        query = {"limit": "2", "next": page["next"]}
    assert seen == ids[::-1]


def test_trials_and_decisions_are_shown_sorted_and_paged(caller: Caller) -> None:
    study_id = caller.submit()[1]["id"]
    caller.world.advance(study_id)
    for value in (0.7, 0.9, 0.8):
        caller.world.recorder.record(caller.world.run_trial(value))
    caller.world.recorder.record(caller.world.run_trial(metrics={}))
    caller.world.advance(study_id)
    path = f"/studies/{study_id}/trials"
    _, page = caller.send("GET", path, query={"sort": "objective", "order": "desc"})
    assert [each["objective"] for each in page["trials"]] == [0.9, 0.8, 0.7, None]
    _, page = caller.send("GET", path, query={"sort": "objective"})
    assert [each["objective"] for each in page["trials"]] == [0.7, 0.8, 0.9, None]
    _, first = caller.send("GET", path, query={"limit": "3"})
    _, rest = caller.send("GET", path, query={"limit": "3", "next": first["next"]})
    assert (len(first["trials"]), len(rest["trials"]), rest["next"]) == (3, 1, None)
    assert first["trials"][0]["cost"] == "0.001789"
    _, page = caller.send("GET", path, query={"front": "cost"})
    assert [(each["objective"], each["knee"]) for each in page["trials"]] == [(0.9, True)]
    status, told = caller.send("GET", path, query={"front": "latency"})
    assert (status, "no trial has validation:auc and latency" in str(told)) == (400, True)
    _, why = caller.send("GET", f"/studies/{study_id}/decisions")
    assert [each["seq"] for each in why["decisions"]] == list(range(1, len(why["decisions"]) + 1))
    assert why["decisions"][0]["reason"].startswith("arn:aws:iam::123456789012:user/ana submitted")


def test_commands_are_told_and_answered(caller: Caller) -> None:
    study_id = caller.submit()[1]["id"]
    caller.world.advance(study_id)
    status, _ = caller.send("POST", f"/studies/{study_id}/pause")
    assert status == 202
    assert caller.world.advance(study_id).paused
    status, _ = caller.send("POST", f"/studies/{study_id}/cancel")
    assert status == 202
    caller.world.advance(study_id)
    caller.world.end_job()
    assert caller.world.advance(study_id).phase is Phase.CANCELLED
    status, error = caller.send("POST", f"/studies/{study_id}/resume")
    assert (status, error["error"]) == (409, "conflict")


def test_exactly_one_plan_is_approved(caller: Caller) -> None:
    rounds = {"max": 1, "trials": 4, "parallel": 2}
    study_id = caller.submit(rounds=rounds, deploy={"to": "p", "approve": True})[1]["id"]
    caller.world.advance(study_id)
    caller.world.run_round(study_id)
    path = f"/studies/{study_id}/approval"
    _, study = caller.send("GET", f"/studies/{study_id}")
    for body in ({}, {"answer": "approve"}, {"answer": "maybe", "plan_hash": "x"}, [1]):
        assert caller.send("POST", path, body)[0] == 400
    body = {"answer": "approve", "plan_hash": study["deployment"]["hash"]}
    assert caller.send("POST", path, body)[0] == 202
    assert caller.world.advance(study_id).phase is Phase.DEPLOYING


def test_a_plan_has_one_answer_and_whoever_comes_second_is_told_the_first(caller: Caller) -> None:
    rounds = {"max": 1, "trials": 4, "parallel": 2}
    study_id = caller.submit(rounds=rounds, deploy={"to": "p", "approve": True})[1]["id"]
    caller.world.advance(study_id)
    caller.world.run_round(study_id)
    path = f"/studies/{study_id}/approval"
    _, study = caller.send("GET", f"/studies/{study_id}")
    yes, no = (
        {"answer": each, "plan_hash": study["deployment"]["hash"]} for each in ("approve", "reject")
    )
    assert caller.send("POST", path, no)[0] == 202
    status, error = caller.send("POST", path, yes)
    assert (status, error["error"]) == (409, "conflict")
    assert error["message"].startswith(
        "arn:aws:iam::123456789012:user/ana answered this plan first"
    )
    assert error["message"].endswith(": reject")
    assert caller.world.advance(study_id).phase is Phase.DONE
    assert caller.send("POST", path, no)[0] == 202  # it is so, however often it is said
    assert caller.send("POST", path, yes)[0] == 409
    assert caller.send("POST", path, {"answer": "approve", "plan_hash": "a" * 65})[0] == 400


def test_a_record_is_replayed_under_other_rules_and_nothing_is_changed(caller: Caller) -> None:
    study_id = caller.submit(rounds={"max": 1, "trials": 8, "parallel": 1})[1]["id"]
    caller.world.advance(study_id)
    for value in (0.7, 0.9, 0.8, 0.8, 0.8, 0.95):
        caller.world.recorder.record(caller.world.run_trial(value))
    before = caller.world.advance(study_id)
    path = f"/studies/{study_id}/whatif"
    patient = {"trials": 2, "min_gain": 0.001, "warm_up": 2}
    status, found = caller.send("POST", path, {"stop": [{"not_improving": patient}]})
    assert status == 200
    assert (found["trials"], found["recorded_trials"]) == (5, 6)
    assert (found["best"], found["recorded_best"]) == (0.9, 0.95)
    assert found["lost"] == pytest.approx(0.05)
    assert [each["rule"] for each in found["firings"]] == ["not_improving"]
    assert "validation:auc 0.9, worse by 0.05" in found["sentence"]
    assert caller.world.store.load(study_id) == before
    assert caller.send("POST", path, {"stop": [{"spend": "1000 USD"}]})[1]["firings"] == []
    assert caller.send("POST", "/studies/nobody/whatif", {"stop": [{"no_metric": None}]})[0] == 404


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ([], "give a list of rules under stop alone"),
        ({"stop": [{"no_metric": {}}], "study": "x"}, "give a list of rules under stop alone"),
        ({"stop": []}, "at least 1 are needed"),
        ({"stop": [{"patience": 3}]}, "there is no such key"),
        ({"stop": [{"spend": None}]}, "needs a value"),
        (
            {"stop": [{"not_improving": {"min_gain": 0.1}}, {"not_improving": {}}]},
            "counts its patience by one",
        ),
        ({"stop": [{"not_improving": {"min_gain": "much"}}]}, "a gain is a number such as 0.001"),
    ],
)
def test_rules_that_cannot_be_replayed_are_told(caller: Caller, body: Any, told: str) -> None:
    study_id = caller.submit()[1]["id"]
    status, error = caller.send("POST", f"/studies/{study_id}/whatif", body)
    assert (status, error["error"]) == (422, "invalid_spec")
    assert told in error["details"][0]["message"]


def test_a_study_is_resynced_even_when_it_is_over(caller: Caller) -> None:
    study_id = caller.submit(rounds={"max": 1, "trials": 4, "parallel": 2})[1]["id"]
    caller.world.advance(study_id)
    assert caller.world.run_round(study_id).phase is Phase.DONE
    status, _ = caller.send("POST", f"/studies/{study_id}/resync")
    assert status == 202
    caller.world.advance(study_id)
    _, why = caller.send("GET", f"/studies/{study_id}/decisions")
    assert why["decisions"][-1]["kind"] == "resynced"
    assert why["decisions"][-1]["reason"].endswith("nothing differed")


def test_a_profile_tells_what_may_be_used_and_no_role(caller: Caller) -> None:
    status, told = caller.send("GET", "/profiles/default")
    assert status == 200
    assert told["uploads"] == "s3://output/tunewright/uploads"
    assert told["instances"] == ["ml.*"]
    assert "role" not in json.dumps(told)
    status, error = caller.send("GET", "/profiles/Gold_1")
    assert (status, error["message"]) == (404, "there is no profile Gold_1; there is default")


def test_the_description_names_every_route_and_answer(caller: Caller) -> None:
    status, told = caller.send("GET", "/openapi.json")
    assert status == 200
    assert told == json.loads(json.dumps(describe((*ROUTES, *OPEN_ROUTES), "1")))
    for route in (*ROUTES, *OPEN_ROUTES):
        answers = told["paths"][route.path][route.method.lower()]["responses"]
        assert {str(each) for each in route.answers} <= answers.keys()
        assert "500" in answers
        signed = told["paths"][route.path][route.method.lower()].get("security", told["security"])
        assert signed == ([{"sigv4": []}] if route in ROUTES else [])
