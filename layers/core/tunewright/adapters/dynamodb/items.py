"""Values as items and back: their keys and marks; it sends nothing.

The kind of an item comes first in its partition key, so that IAM can grant a function the kinds
that it writes (`dynamodb:LeadingKeys`), and no kind makes the partition of another longer.
"""

import hashlib
import json
from datetime import datetime, timedelta

from tunewright.adapters.dynamodb.definition import (
    STANDING,
    UNFOLDED,
    UNPUBLISHED,
    WAITING,
)
from tunewright.adapters.dynamodb.types import Item, stamp, typed, untyped
from tunewright.domain.orphan import Orphan
from tunewright.domain.seen import Endpoint
from tunewright.domain.study import Command, Decision, Standing, Study
from tunewright.domain.trial import Trial

LIVE, OVER, LEASED, ASKED = "live", "over", "leased", "asked"
MARKED = "yes"
ORPHANS = "ORPHAN#known"
ANSWERED_FOR = timedelta(days=90)
"""How long an answered command is remembered, so that it cannot be given again."""


def _key(kind: str, name: str, sort: str = "-") -> Item:
    return {"pk": {"S": f"{kind}#{name}"}, "sk": {"S": sort}}


def _name(item: Item) -> str:
    return str(item["pk"]["S"]).partition("#")[2]


def study_key(study_id: str) -> Item:
    """Name a study."""
    return _key("STUDY", study_id)


def study_item(study: Study) -> Item:
    """Write a study: its state whole as JSON; beside it, what conditions and indexes need."""
    fields = {
        "state": study.model_dump_json(exclude={"version", "rev"}),
        "schema": study.schema_version,
        "phase": study.phase.value,
        "version": study.version,
        "rev": study.rev,
        "submitted": study.submitted,
        STANDING: OVER if study.phase.is_over else LIVE,
    }
    return study_key(study.id) | typed(fields)


def read_study(item: Item) -> Study:
    """Read a study with the version and rev of the write that it came from."""
    study = Study.model_validate_json(item["state"]["S"])
    return study.but(version=int(item["version"]["N"]), rev=item["rev"]["S"])


def study_id_of(key: Item) -> str:
    """Read a study's id from its key, or from that of a command to it."""
    return _name(key)


def age_of(item: Item) -> tuple[str, str]:
    """Return what studies are ordered by: when they were submitted, then their id."""
    return item["submitted"]["S"], _name(item)


def submission_key(key: str) -> Item:
    """Name a submission; what callers choose is hashed, for it may be long, or not theirs only."""
    return _key("SUBMISSION", hashlib.sha256(key.encode()).hexdigest())


def submission_item(key: str, body_hash: str, study_id: str) -> Item:
    """Write which study a submission made, and of what."""
    return submission_key(key) | typed({"body_hash": body_hash, "study_id": study_id})


def decision_key(study_id: str, seq: int) -> Item:
    """Name a decision."""
    return _key("DECISION", study_id, f"{seq:06d}")


def decision_partition(study_id: str) -> str:
    """Name the partition of a study's decisions."""
    return f"DECISION#{study_id}"


def decision_item(decision: Decision) -> Item:
    """Write a decision, marked as unpublished."""
    fields = {
        "decided": decision.at,
        "kind": decision.kind.value,
        "round_number": decision.round_number,
        "reason": decision.reason,
        "numbers": json.dumps(decision.model_dump(mode="json")["numbers"]),
        "standing_then": decision.standing.model_dump_json(),
        UNPUBLISHED: MARKED,
    }
    return decision_key(decision.study_id, decision.seq) | typed(fields)


def read_decision(item: Item) -> Decision:
    """Read a decision."""
    return Decision(
        study_id=_name(item),
        seq=int(item["sk"]["S"]),
        at=datetime.fromisoformat(item["decided"]["S"]),
        kind=item["kind"]["S"],
        round_number=int(item["round_number"]["N"]),
        reason=item["reason"]["S"],
        numbers=json.loads(item["numbers"]["S"]),
        standing=Standing.model_validate_json(item["standing_then"]["S"]),
    )


def trial_key(study_id: str, name: str) -> Item:
    """Name a trial."""
    return _key("TRIAL", study_id, name)


def trial_partition(study_id: str) -> str:
    """Name the partition of a study's trials."""
    return f"TRIAL#{study_id}"


def trial_item(trial: Trial) -> Item:
    """Write a trial; one that has ended is marked unfolded, in the order of ends."""
    fields = trial.model_dump(exclude={"study_id", "name"})
    fields["status"] = trial.status.value
    if trial.is_ended:
        fields[UNFOLDED] = f"{stamp(trial.ended or trial.created)}#{trial.name}"
    return trial_key(trial.study_id, trial.name) | typed(fields)


def read_trial(item: Item) -> Trial:
    """Read a trial."""
    fields = untyped(item)
    fields.pop(UNFOLDED, None)
    _, _, study_id = fields.pop("pk").partition("#")
    return Trial(study_id=study_id, name=fields.pop("sk"), **fields)


def command_key(study_id: str, command_id: str) -> Item:
    """Name a command."""
    return _key("COMMAND", study_id, command_id)


def command_partition(study_id: str) -> str:
    """Name the partition of a study's commands."""
    return f"COMMAND#{study_id}"


def command_item(study_id: str, command: Command) -> Item:
    """Write a command, marked as waiting, in the order in which they were given.

    As long as it waits it stands in the index of what stands: the sweep wakes its study, even if
    that is over.
    """
    fields = {
        "kind": command.kind.value,
        "by": command.by,
        "at": command.at,
        "plan_hash": command.plan_hash,
        WAITING: f"{stamp(command.at)}#{command.id}",
        STANDING: ASKED,
        "submitted": command.at,
    }
    return command_key(study_id, command.id) | typed(fields)


def read_command(item: Item) -> Command:
    """Read a command."""
    fields = untyped(item)
    kept = {name: fields.get(name) for name in ("kind", "by", "at", "plan_hash")}
    return Command(id=fields["sk"], **kept)


def expiry(command: Command) -> int:
    """Say when an answered command may be forgotten, in seconds since 1970."""
    return int((command.at + ANSWERED_FOR).timestamp())


def endpoint_key(endpoint: str) -> Item:
    """Name an endpoint."""
    return _key("ENDPOINT", endpoint)


def endpoint_item(endpoint: Endpoint) -> Item:
    """Write what is known of an endpoint: whole as JSON, with its version beside it.

    While it has a lease it stands in the index of what stands, by when that ends.
    """
    fields = {"state": endpoint.model_dump_json(exclude={"version"}), "version": endpoint.version}
    if endpoint.champion is not None:
        fields |= {STANDING: LEASED, "submitted": endpoint.champion.lease_ends}
    return endpoint_key(endpoint.name) | typed(fields)


def endpoint_name_of(key: Item) -> str:
    """Read an endpoint's name from its key."""
    return _name(key)


def orphan_key(orphan: Orphan) -> Item:
    """Name what is remembered of an orphan."""
    return {"pk": {"S": ORPHANS}, "sk": {"S": f"{orphan.kind.value}/{orphan.name}"}}


def orphan_item(orphan: Orphan) -> Item:
    """Write what is remembered of an orphan: whole as JSON, with its version beside it."""
    fields = {"state": orphan.model_dump_json(exclude={"version"}), "version": orphan.version}
    return orphan_key(orphan) | typed(fields)


def read_orphan(item: Item) -> Orphan:
    """Read what is remembered of an orphan."""
    return Orphan.model_validate_json(item["state"]["S"]).but(version=int(item["version"]["N"]))


def month_key(month: str) -> Item:
    """Name what all studies together use in a month."""
    return _key("MONTH", month)


def secret_key(name: str) -> Item:
    """Name a secret of the stack's."""
    return _key("SECRET", name)


def secret_item(name: str, secret: bytes) -> Item:
    """Write a secret."""
    return secret_key(name) | typed({"secret": secret.hex()})


def read_secret(item: Item) -> bytes:
    """Read a secret."""
    return bytes.fromhex(item["secret"]["S"])


def read_endpoint(item: Item) -> Endpoint:
    """Read what is known of an endpoint."""
    endpoint = Endpoint.model_validate_json(item["state"]["S"])
    return endpoint.but(version=int(item["version"]["N"]))
