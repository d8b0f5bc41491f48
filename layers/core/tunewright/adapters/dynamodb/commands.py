"""Commands: given once, waiting until a study's own transaction answers them."""

from typing import Any

from tunewright.adapters.dynamodb import items
from tunewright.adapters.dynamodb.definition import WAITING
from tunewright.adapters.dynamodb.table import ConditionError, Table
from tunewright.adapters.dynamodb.types import typed
from tunewright.domain.study import Command


class DynamoCommands:
    """Keeps what people have said until a study answers it."""

    def __init__(self, client: Any, name: str) -> None:  # noqa: ANN401 - boto3 carries no types
        self._table = Table(client, name)

    def give(self, study_id: str, command: Command) -> Command:
        """Keep a command; return the one that is kept under its id."""
        try:
            self._table.put(items.command_item(study_id, command), "attribute_not_exists(pk)")
        except ConditionError as error:
            held = error.items[0]
            return command if held is None else items.read_command(held)
        return command

    def waiting(self, study_id: str) -> tuple[Command, ...]:
        """Return the commands that are not answered, oldest first."""
        values = typed({":pk": items.command_partition(study_id)})
        found = self._table.query("pk = :pk", values, index=WAITING)
        return tuple(items.read_command(each) for each in found)
