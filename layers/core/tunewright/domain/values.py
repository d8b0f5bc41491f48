"""The ground under every value of the domain: frozen models, money, durations, shares; no logic."""

import math
import re
from decimal import ROUND_UP, Decimal, InvalidOperation
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

_DURATION = re.compile(r"(?P<count>\d+(?:\.\d+)?)\s*(?P<unit>s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_MONEY = re.compile(r"\$?\s*(?P<amount>\d+(?:\.\d+)?)\s*(?:USD)?", re.IGNORECASE)
_CENT_FRACTION = Decimal("0.000001")
LONGEST = 366 * 86400
"""The longest duration that a person may ask for, in seconds: a year."""
_HUGE = 1e9
"""From here on a number is easier to read with an exponent: an error in dollars is not."""
MOST_MONEY = Decimal(10**9)
"""The largest amount that a person may ask for, in US dollars: sums of such are still exact."""


class Value(BaseModel):
    """A frozen value: change means a new value, and an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def but(self, **changes: Any) -> Self:  # noqa: ANN401 - the fields of the subclass
        """Return this value with some fields changed.

        Raises:
            TypeError: A name is not a field of this value.
        """
        unknown = changes.keys() - type(self).model_fields.keys()
        if unknown:
            raise TypeError(f"{type(self).__name__} has no field {', '.join(sorted(unknown))}")
        return self.model_copy(update=changes)


def parse_duration(text: str | float) -> int:
    """Read a duration such as `90s`, `20m`, `2h`, `7d`, or a number of seconds, as seconds.

    Raises:
        ValueError: The text is none of these, or not longer than nothing.

    >>> parse_duration("1.5h"), parse_duration("7d"), parse_duration(90)
    (5400, 604800, 90)
    """
    wrong = ValueError("a duration is a number with s, m, h or d, such as 20m")
    if isinstance(text, bool) or not isinstance(text, int | float | str):
        raise wrong
    if isinstance(text, int | float):
        seconds = as_float(text)
    else:
        match = _DURATION.fullmatch(text.strip()) if isinstance(text, str) else None
        if match is None:
            raise wrong
        seconds = float(match["count"]) * _SECONDS[match["unit"]]
    if not seconds > 0:
        raise ValueError("a duration must be longer than nothing, such as 20m")
    if seconds > LONGEST:
        raise ValueError(f"a duration is at most {show_duration(LONGEST)}")
    return max(1, round(seconds))


def as_float(number: float) -> float:
    """Turn any number into a float; infinity, if it is too large for one.

    >>> as_float(3), as_float(10**400)
    (3.0, inf)
    """
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def show_duration(seconds: float) -> str:
    """Write seconds as a person would say them.

    >>> show_duration(42), show_duration(150), show_duration(5400), show_duration(604800)
    ('42 s', '2 min 30 s', '1 h 30 min', '7 d')
    """
    left = round(seconds)
    parts = []
    for name, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or "0 s"


def parse_money(text: str | float | Decimal) -> Decimal:
    """Read an amount of US dollars: `40 USD`, `$40`, `40`.

    Raises:
        ValueError: The text is none of these, or names another currency.

    >>> parse_money("40 USD"), parse_money(0.5)
    (Decimal('40'), Decimal('0.5'))
    """
    wrong = ValueError("an amount of money is written 40 USD")
    if isinstance(text, bool) or not isinstance(text, int | float | Decimal | str):
        raise wrong
    if isinstance(text, str):
        match = _MONEY.fullmatch(text.strip())
        if match is None:
            raise wrong
        amount = Decimal(match["amount"])
    else:
        amount = Decimal(text) if isinstance(text, int) else Decimal(str(text))
    if amount.is_nan() or amount < 0:
        raise wrong
    if amount > MOST_MONEY:
        raise ValueError(f"an amount of money is at most {MOST_MONEY} USD")
    return amount


def round_up_money(amount: Decimal) -> Decimal:
    """Round an amount up to a millionth of a dollar: a limit is never passed by rounding."""
    return amount.quantize(_CENT_FRACTION, rounding=ROUND_UP)


def cents_up(amount: Decimal) -> Decimal:
    """Round an amount up to a cent: what is told as enough must be enough.

    >>> cents_up(Decimal("0.184"))
    Decimal('0.19')
    """
    return amount.quantize(Decimal("0.01"), rounding=ROUND_UP)


def show_money(amount: Decimal) -> str:
    """Write an amount so that small ones do not read as nothing.

    >>> show_money(Decimal("40")), show_money(Decimal("0.0042")), show_money(Decimal(0))
    ('$40.00', '$0.0042', '$0.00')
    """
    if amount and abs(amount) < Decimal("0.01"):
        return f"${float(amount):.2g}"
    return f"${amount:.2f}"


def parse_share(text: str | float) -> float:
    """Read a share: `30%` or a number from 0 to 1.

    Raises:
        ValueError: It is neither.

    >>> parse_share("30%"), parse_share(0.15)
    (0.3, 0.15)
    """
    wrong = "a share is a percentage such as 15%, or a number from 0 to 1"
    if isinstance(text, bool) or not isinstance(text, int | float | str):
        raise ValueError(wrong)
    try:
        if isinstance(text, str) and text.strip().endswith("%"):
            share = float(Decimal(text.strip()[:-1].strip()) / 100)
        else:
            share = float(text) if isinstance(text, str) else as_float(text)
    except (ValueError, InvalidOperation) as error:
        raise ValueError(wrong) from error
    if not 0 <= share <= 1:
        raise ValueError("a share lies between 0% and 100%")
    return share


def show_number(value: float) -> str:
    """Write a number with as many digits as a reader needs: five significant ones.

    >>> show_number(0.92714999), show_number(3.0), show_number(1e-05), show_number(184215.4)
    ('0.92715', '3', '1e-05', '184215')
    """
    text = f"{value:.5g}"
    return f"{value:.0f}" if "e+" in text and abs(value) < _HUGE else text


def show_gain(value: float) -> str:
    """Write a gain: its size matters, not its digits.

    >>> show_gain(0.0056187), show_gain(8.1555e-06), show_gain(0.0), show_gain(1534.2)
    ('0.0056', '8.2e-06', '0', '1500')
    """
    text = f"{value:.2g}"
    return f"{float(text):.0f}" if "e+" in text and abs(value) < _HUGE else text


def show_change(change: float) -> str:
    """Write by how much a value rose or fell: a gain in what is minimised is a fall.

    >>> show_change(-0.03)
    '−0.03'
    """
    return f"{'+' if change >= 0 else '−'}{show_gain(abs(change))}"


def word(value: object) -> str:
    """Write a value as AWS takes hyperparameters: as text.

    >>> word(300), word(True), word(0.1)
    ('300', 'true', '0.1')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
