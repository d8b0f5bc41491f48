"""`make demo`: a whole study in a cloud on this machine, from search space to an endpoint."""

import shutil
import sys
import time
from pathlib import Path
from typing import Any

import boto3
from rich.console import Console

from tunewright_client.api_client import ApiClient
from tunewright_client.spec_file import SpecFile
from tunewright_local import demo_data, demo_scores
from tunewright_local.demo_show import Progress, Ran, Scores, show_letters, show_summary
from tunewright_local.environment import aws_environment
from tunewright_local.inbox import read_letters
from tunewright_local.instance import Instance
from tunewright_local.process import running
from tunewright_local.profile import BUCKET

ROOT = Path(__file__).parents[2]
SPEC = ROOT / "examples/demo/study.yaml"
STATE = ROOT / ".tunewright/demo"
_GOING = {"searching", "choosing", "deploying"}
_LOOK_SECONDS = 1.0
_LETTER_SECONDS = 15.0


def main() -> int:
    """Run the demo; 0 if the study ended with a model that answers."""
    console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    console.print("[bold]Tunewright demo[/bold]: a whole study on this machine, hands off.\n")
    shutil.rmtree(STATE, ignore_errors=True)
    began = time.monotonic()
    # Two trials at a time on two processors: one thread each.
    with running(STATE, cpus=1) as instance, aws_environment(instance.environment):
        ran = _run(instance, console, began)
        scores = _score(ran)
        if ran.study["phase"] != "done" or scores is None:
            console.print(f"\nThe study is {ran.study['phase']}; it should have been done.")
            return 1
        show_letters(console, _letters(ran))
        show_summary(console, ran, scores, time.monotonic() - began)
    return 0


def _run(instance: Instance, console: Console, began: float) -> Ran:
    train, validation, held_out = demo_data.load_parts()
    console.print(f"data     {demo_data.ABOUT};")
    console.print(
        f"         {len(train)} rows to train on, {len(validation)} to validate, "
        f"{len(held_out)} held out from everybody"
    )
    console.print(f"study    {SPEC.relative_to(ROOT)}: the guide's seven parameters, its ranges")
    console.print("         guessed in a hurry: eta far too small, trees far too shallow")
    console.print(f"cloud    {instance.url}: template.yaml, deployed into an AWS on this machine\n")
    s3 = boto3.client("s3")
    for name, part in (("train", train), ("validation", validation)):
        body = part.csv(labels=True).encode()
        s3.put_object(Bucket=BUCKET, Key=f"demo/{name}/{name}.csv", Body=body)
    s3.close()

    api = ApiClient(instance.environment["TUNEWRIGHT_API"], instance.environment["AWS_REGION"])
    document = SpecFile.read(SPEC).document
    submitted = api.ask("POST", "/studies", document, headers={"Idempotency-Key": "demo"})
    with Progress(console, began) as progress:
        while True:
            ran = _look(api, submitted["id"])
            progress.show(ran)
            if ran.study["phase"] not in _GOING:
                return ran
            time.sleep(_LOOK_SECONDS)


def _look(api: ApiClient, study_id: str) -> Ran:
    path = f"/studies/{study_id}"
    # The study last: what it has counted is then among the rows, or they are asked for again
    trials = list(api.pages(f"{path}/trials", "trials"))
    decisions = list(api.pages(f"{path}/decisions", "decisions"))
    study = api.ask("GET", path)
    if study["phase"] in {"done", "failed"}:
        trials = list(api.pages(f"{path}/trials", "trials"))
        decisions = list(api.pages(f"{path}/decisions", "decisions"))
    return Ran(study, trials, decisions)


def _letters(ran: Ran) -> list[Any]:
    """Return what people were told, once the last of it has come by both ways."""
    last = ran.decisions[-1]["id"]
    deadline = time.monotonic() + _LETTER_SECONDS
    while True:
        letters = read_letters(STATE / "letters.jsonl")
        if sum(last in str(each.body) for each in letters) >= 2 or time.monotonic() > deadline:
            return letters
        time.sleep(0.1)


def _score(ran: Ran) -> Scores | None:
    incumbent, deployment = ran.study["incumbent"], ran.study["deployment"]
    first = [
        trial
        for trial in ran.trials
        if trial["round_number"] == 1 and trial["objective"] is not None and trial["model"]
    ]
    if incumbent is None or deployment is None or not first:
        return None
    best = max(first, key=lambda trial: trial["objective"])
    _, validation, held_out = demo_data.load_parts()
    s3, runtime = boto3.client("s3"), boto3.client("sagemaker-runtime")
    try:
        return Scores(
            rows=len(held_out),
            first_trial=best["name"],
            first=demo_scores.model_auc(s3, best["model"], held_out),
            winner=demo_scores.endpoint_auc(runtime, deployment["endpoint"], held_out),
            recorded=incumbent["value"],
            reproduced=demo_scores.model_auc(s3, incumbent["model"], validation),
        )
    finally:
        s3.close()
        runtime.close()


if __name__ == "__main__":
    sys.exit(main())
