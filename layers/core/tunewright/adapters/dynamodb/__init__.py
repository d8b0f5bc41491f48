"""Every store in one DynamoDB table; read `definition`, `types`, `items`, `table`, then the stores.

`docs/reference/table.md` tells items, keys, indexes, who writes what, and what it costs.
"""

from tunewright.adapters.dynamodb.commands import DynamoCommands
from tunewright.adapters.dynamodb.definition import EXPIRES, table_definition
from tunewright.adapters.dynamodb.endpoints import DynamoEndpoints
from tunewright.adapters.dynamodb.items import read_decision
from tunewright.adapters.dynamodb.keys import DynamoSecrets
from tunewright.adapters.dynamodb.orphans import DynamoOrphans
from tunewright.adapters.dynamodb.outbox import DynamoOutbox
from tunewright.adapters.dynamodb.studies import DynamoStudies
from tunewright.adapters.dynamodb.trials import DynamoTrials

__all__ = [
    "EXPIRES",
    "DynamoCommands",
    "DynamoEndpoints",
    "DynamoOrphans",
    "DynamoOutbox",
    "DynamoSecrets",
    "DynamoStudies",
    "DynamoTrials",
    "read_decision",
    "table_definition",
]
