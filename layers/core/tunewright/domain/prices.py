"""What an instance costs an hour: a table to be overridden by a profile, not AWS's word.

The figures are on-demand prices of us-east-1 as several public projects carry them; AWS's own
price list is what is billed. Spot is cheaper, never dearer, so a worst case by them holds.
"""

from collections.abc import Mapping
from decimal import Decimal

_HOUR = 3600
USD_PER_HOUR: dict[str, Decimal] = {
    "ml.m5.large": Decimal("0.115"),
    "ml.m5.xlarge": Decimal("0.23"),
    "ml.m5.2xlarge": Decimal("0.461"),
    "ml.m5.4xlarge": Decimal("0.922"),
    "ml.c5.xlarge": Decimal("0.204"),
    "ml.c5.2xlarge": Decimal("0.408"),
    "ml.g4dn.xlarge": Decimal("0.736"),
    "ml.g4dn.2xlarge": Decimal("0.94"),
    "ml.g5.xlarge": Decimal("1.41"),
    "ml.p3.2xlarge": Decimal("3.825"),
}


def price_per_second(instance: str, overrides: Mapping[str, Decimal]) -> Decimal:
    """Return the price of one second of one instance.

    Raises:
        KeyError: Neither the table nor the overrides name the instance type.
    """
    price = overrides.get(instance, USD_PER_HOUR.get(instance))
    if price is None:
        raise KeyError(instance)
    return price / _HOUR
