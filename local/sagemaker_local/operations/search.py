"""Search for training jobs and tuning jobs, by what Describe shows of them and by their tags."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from sagemaker_local import training_jobs, tuning_jobs
from sagemaker_local.errors import validation
from sagemaker_local.operations.context import Context
from sagemaker_local.operations.listing import page
from sagemaker_local.store import Document

Request = Mapping[str, Any]
Shown = Mapping[str, Any]
_KINDS = {
    "TrainingJob": (training_jobs.KIND, "TrainingJobName"),
    "HyperParameterTuningJob": (tuning_jobs.KIND, "HyperParameterTuningJobName"),
}


def search(context: Context, request: Request) -> dict[str, Any]:
    """Find what an expression is true of."""
    resource = request["Resource"]
    if resource not in _KINDS:
        raise validation(
            f"This emulator does not search {resource}; it searches {', '.join(_KINDS)}."
        )
    kind, name = _KINDS[resource]
    expression = request.get("SearchExpression", {})
    shown = [_shown(document) for document in context.store.seen(kind)]
    hits = [each for each in shown if _holds(expression, each)]
    by = request.get("SortBy", "LastModifiedTime")
    items, following = page(
        {**request, "SortBy": "key"},
        hits,
        name=name,
        keys={"key": lambda document: _orderly(_value(document, by))},
        sort_by="key",
        order="Descending",
    )
    total = {"Value": len(hits), "Relation": "EqualTo"}
    return {"Results": [{resource: each} for each in items], "TotalHits": total, **following}


def _shown(document: Document) -> Document:
    described = tuning_jobs.described(document) if "_launched" in document else document
    return {**described, "Tags": document["_tags"]}


def _holds(expression: Request, document: Shown) -> bool:
    """Whether an expression is true of a document; an empty one is."""
    found = [
        *(_filtered(each, document) for each in expression.get("Filters", ())),
        *(_nested(each, document) for each in expression.get("NestedFilters", ())),
        *(_holds(each, document) for each in expression.get("SubExpressions", ())),
    ]
    if not found:
        return True
    return any(found) if expression.get("Operator", "And") == "Or" else all(found)


def _nested(nested: Request, document: Shown) -> bool:
    """Whether one item of a list satisfies all filters; their names begin with the list's."""
    prefix = nested["NestedPropertyName"]
    items = _value(document, prefix)
    if not isinstance(items, list):
        return False
    relative = [
        {**each, "Name": each["Name"].removeprefix(f"{prefix}.")} for each in nested["Filters"]
    ]
    return any(all(_filtered(each, item) for each in relative) for item in items)


def _filtered(filter_: Request, document: Shown) -> bool:
    operator, found = filter_.get("Operator", "Equals"), _value(document, filter_["Name"])
    if operator in {"Exists", "NotExists"}:
        return (found is not None) is (operator == "Exists")
    if "Value" not in filter_:
        raise validation(f"The operator {operator} needs a Value.")
    wanted = filter_["Value"]
    if isinstance(found, list):
        return any(_compared(operator, each, wanted) for each in found)
    return _compared(operator, found, wanted)


def _compared(operator: str, found: Any, wanted: str) -> bool:  # noqa: ANN401 - any JSON
    if found is None:
        return operator == "NotEquals"
    if isinstance(found, bool):
        found = "true" if found else "false"
    if operator == "Contains":
        return wanted.lower() in str(found).lower()
    if operator == "In":
        return str(found) in {each.strip() for each in wanted.split(",")}
    left, right = _comparable(found, wanted)
    checks: dict[str, Callable[[Any, Any], bool]] = {
        "Equals": lambda a, b: a == b,
        "NotEquals": lambda a, b: a != b,
        "GreaterThan": lambda a, b: a > b,
        "GreaterThanOrEqualTo": lambda a, b: a >= b,
        "LessThan": lambda a, b: a < b,
        "LessThanOrEqualTo": lambda a, b: a <= b,
    }
    return checks[operator](left, right)


def _comparable(found: Any, wanted: str) -> tuple[Any, Any]:  # noqa: ANN401 - any JSON
    """Both as numbers where both are, moments among them, else both as text."""
    try:
        return float(found), float(wanted)
    except (TypeError, ValueError):
        pass
    if isinstance(found, float):
        try:
            moment = datetime.fromisoformat(wanted)
        except ValueError:
            return str(found), wanted
        return found, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return str(found), wanted


def _value(document: Any, path: str) -> Any:  # noqa: ANN401 - any JSON
    """What a property's name stands for: a way of members, a metric, a hyperparameter, a tag."""
    if not isinstance(document, Mapping):
        return None
    if path.startswith("Tags."):
        return _tag(document, path.removeprefix("Tags."))
    if path.startswith("Metrics."):
        wanted = path.removeprefix("Metrics.")
        entries = document.get("FinalMetricDataList", ())
        return next((each["Value"] for each in entries if each["MetricName"] == wanted), None)
    first, _, rest = path.partition(".")
    found = document.get(first)
    if not rest:
        return found
    if isinstance(found, list):
        return [value for each in found if (value := _value(each, rest)) is not None]
    if isinstance(found, Mapping) and rest in found:
        return found[rest]  # a hyperparameter's own name may have dots
    return _value(found, rest)


def _tag(document: Shown, key: str) -> Any:  # noqa: ANN401 - any JSON
    tags = {entry["Key"]: entry["Value"] for entry in document["Tags"]}
    if key in {"Key", "Value"}:
        return [entry[key] for entry in document["Tags"]]
    return tags.get(key)


def _orderly(value: Any) -> list[Any]:  # noqa: ANN401 - any JSON
    """A key by which anything sorts with anything: what is absent, then numbers, then texts.

    It is a list, for that is what is left of it in a token.
    """
    if isinstance(value, int | float):
        return [1, float(value), ""]
    return [0, 0.0, ""] if value is None else [2, 0.0, str(value)]
