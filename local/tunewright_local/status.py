"""What runs in a local cloud, asked from outside: studies, training jobs, memory."""

import json
from pathlib import Path
from typing import Any

import boto3
import click

from tunewright_client.api_client import ApiClient, ApiError
from tunewright_local.environment import aws_environment
from tunewright_local.instance import Instance

_OVER = {"done", "failed", "cancelled"}


def show_status(instance: Instance, *, as_json: bool) -> None:
    """Print what runs."""
    found = status_of(instance)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(f"runs at {found['url']}, process {found['pid']}, {found['memory_mb']} MB in all")
    for study in found["studies"]:
        click.echo(f"  study {study['id']} is {study['phase']}")
    for job in found["training_jobs"]:
        click.echo(f"  training job {job}")
    if not found["studies"]:
        click.echo("  no study is live")


def status_of(instance: Instance) -> dict[str, Any]:
    """Return what runs; its live studies and training jobs, and its memory in MB."""
    region = instance.environment["AWS_REGION"]
    with aws_environment(instance.environment):
        api = ApiClient(instance.environment["TUNEWRIGHT_API"], region)
        try:
            studies = list(api.pages("/studies", "studies"))
        except ApiError:
            studies = []
        sagemaker = boto3.client("sagemaker")
        pages = sagemaker.get_paginator("list_training_jobs").paginate(StatusEquals="InProgress")
        jobs = [each["TrainingJobName"] for page in pages for each in page["TrainingJobSummaries"]]
        sagemaker.close()
    return {
        "runs": True,
        "url": instance.url,
        "pid": instance.pid,
        "memory_mb": _memory(instance.pid) // 2**20,
        "studies": [each for each in studies if each["phase"] not in _OVER],
        "training_jobs": sorted(jobs),
    }


def _memory(pid: int) -> int:
    """Return the resident bytes of a process and of all that descend from it."""
    parents: dict[int, int] = {}
    held: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(folder.name)] = int(stat[1])
            held[int(folder.name)] = int(stat[21]) * 4096
    family = {pid}
    while True:
        more = {child for child, parent in parents.items() if parent in family} - family
        if not more:
            return sum(held.get(each, 0) for each in family)
        family |= more
