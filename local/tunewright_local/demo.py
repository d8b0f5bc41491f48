"""`make demo`: a whole study on this machine, from search space to an endpoint that answers."""

import shutil
import sys
import time
from pathlib import Path
from typing import Any

import boto3
from rich.console import Console

from tunewright.domain.study import Phase, Study
from tunewright_client.spec_file import SpecFile
from tunewright_local import demo_data, demo_scores
from tunewright_local.demo_show import Progress, Scores, show_summary
from tunewright_local.runner import BUCKET, LocalStack, local_stack

ROOT = Path(__file__).parents[2]
SPEC = ROOT / "examples/demo/study.yaml"
STATE = ROOT / ".tunewright/demo"


def main() -> int:
    """Run the demo; 0 if the study ended with a model that answers."""
    console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    console.print("[bold]Tunewright demo[/bold]: a whole study on this machine, hands off.\n")
    shutil.rmtree(STATE, ignore_errors=True)
    began = time.monotonic()
    # Two trials at a time on two processors: one thread each.
    with local_stack(STATE, stop_grace_seconds=5.0, cpus=1) as local:
        study, scores = _run(local, console, began)
        if study.phase is not Phase.DONE or scores is None:
            console.print(f"\nThe study is {study.phase}; it should have been done.")
            return 1
        trials = local.stack.store.of_study(study.id)
        decisions = local.stack.store.decisions(study.id)
        show_summary(console, study, trials, decisions, scores, time.monotonic() - began)
    return 0


def _run(local: LocalStack, console: Console, began: float) -> tuple[Study, Scores | None]:
    train, validation, held_out = demo_data.load_parts()
    console.print(f"data     {demo_data.ABOUT};")
    console.print(
        f"         {len(train)} rows to train on, {len(validation)} to validate, "
        f"{len(held_out)} held out from everybody"
    )
    console.print(f"study    {SPEC.relative_to(ROOT)}: the guide's seven parameters, its ranges")
    console.print("         guessed in a hurry: eta far too small, trees far too shallow")
    console.print(f"AWS      {local.server.url} (SageMaker and S3, on this machine only)\n")
    s3 = _client("s3", local)
    s3.create_bucket(Bucket=BUCKET)
    for name, part in (("train", train), ("validation", validation)):
        body = part.csv(labels=True).encode()
        s3.put_object(Bucket=BUCKET, Key=f"demo/{name}/{name}.csv", Body=body)

    document = SpecFile.read(SPEC).document
    submitted = local.stack.studies.submit(document, caller="you", key="demo")
    with Progress(console, local.stack.store, began) as progress:
        study = local.run(submitted.id, progress.show)
    if study.phase is not Phase.DONE or study.incumbent is None or study.deployment is None:
        return study, None
    return study, _score(local, s3, study, validation, held_out)


def _score(
    local: LocalStack,
    s3: Any,  # noqa: ANN401 - boto3 carries no types
    study: Study,
    validation: demo_data.Part,
    held_out: demo_data.Part,
) -> Scores | None:
    first = [
        trial
        for trial in local.stack.store.of_study(study.id)
        if trial.round_number == 1 and trial.is_scored
    ]
    best = max(first, key=lambda trial: trial.objective or 0.0)
    incumbent, deployment = study.incumbent, study.deployment
    if incumbent is None or incumbent.model is None or deployment is None or best.model is None:
        return None
    runtime = _client("sagemaker-runtime", local)
    return Scores(
        rows=len(held_out),
        first_trial=best.name,
        first=demo_scores.model_auc(s3, best.model, held_out),
        winner=demo_scores.endpoint_auc(runtime, deployment.endpoint, held_out),
        recorded=incumbent.value,
        reproduced=demo_scores.model_auc(s3, incumbent.model, validation),
    )


def _client(service: str, local: LocalStack) -> Any:  # noqa: ANN401 - boto3 carries no types
    return boto3.client(service, endpoint_url=local.server.url)


if __name__ == "__main__":
    sys.exit(main())
