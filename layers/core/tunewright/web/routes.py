"""What may be asked: each route with its parameters and answers, as data that `openapi` tells."""

import re
from dataclasses import dataclass, field
from typing import Literal

STUDY = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
Body = Literal["spec", "approval", "none"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter or header: what it is, and what values it takes."""

    name: str
    where: Literal["query", "header"]
    about: str
    schema: dict[str, object]
    required: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """One thing that may be asked.

    Attributes:
        method: GET or POST.
        path: The path, with `{id}` for a study's.
        name: Names it, and the function that answers.
        about: What it does, in one sentence.
        answers: What the answers mean, by status.
        body: What the body is.
        parameters: What may stand in the query and the headers.
    """

    method: str
    path: str
    name: str
    about: str
    answers: dict[int, str]
    body: Body = "none"
    parameters: tuple[Parameter, ...] = field(default=())

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return the path's parameters if a request is for this route; None if it is not."""
        pattern = re.escape(self.path).replace(r"\{id\}", r"(?P<id>[a-z0-9-]{1,64})")
        found = re.fullmatch(pattern, path)
        return found.groupdict() if found and method == self.method else None


_LIMIT = Parameter(
    "limit",
    "query",
    "How many to return at most.",
    {"type": "integer", "minimum": 1, "maximum": 100},
)
_NEXT = Parameter("next", "query", "The `next` of the page before.", {"type": "string"})
_KEY = Parameter(
    "Idempotency-Key",
    "header",
    "Your own name for this submission: the same key again gives the same study.",
    {"type": "string", "minLength": 1, "maxLength": 255},
    required=True,
)
SORTS = ("name", "created", "objective", "cost")
_SORT = Parameter("sort", "query", "By what to sort.", {"type": "string", "enum": list(SORTS)})
_ORDER = Parameter("order", "query", "Which first.", {"type": "string", "enum": ["asc", "desc"]})
_FOUND = {200: "Here it is.", 404: "There is no such study."}
_TOLD = {
    202: "The study is told; it answers in a moment.",
    404: "There is no such study.",
    409: "The study is over.",
}

ROUTES = (
    Route(
        "POST",
        "/studies",
        "submit",
        "Submit a study.",
        {
            200: "The study that this key made before.",
            201: "The study.",
            409: "The key was used for another spec.",
        },
        "spec",
        (_KEY,),
    ),
    Route(
        "POST",
        "/studies/plan",
        "plan",
        "Check a study and show what it would do; nothing is launched.",
        {200: "What it would do."},
        "spec",
    ),
    Route(
        "GET",
        "/studies",
        "studies",
        "List studies, the newest first.",
        {200: "A page of studies."},
        parameters=(_LIMIT, _NEXT),
    ),
    Route("GET", "/studies/{id}", "study", "Show a study, whole.", _FOUND),
    Route(
        "GET",
        "/studies/{id}/trials",
        "trials",
        "List a study's trials.",
        _FOUND,
        parameters=(_SORT, _ORDER, _LIMIT, _NEXT),
    ),
    Route(
        "GET",
        "/studies/{id}/decisions",
        "decisions",
        "List what was decided, and why.",
        _FOUND,
        parameters=(_LIMIT, _NEXT),
    ),
    Route("POST", "/studies/{id}/pause", "pause", "Start no new round.", _TOLD),
    Route("POST", "/studies/{id}/resume", "resume", "Carry on.", _TOLD),
    Route(
        "POST",
        "/studies/{id}/stop",
        "stop",
        "Stop searching now, keep the best, go on to deploy it.",
        _TOLD,
    ),
    Route("POST", "/studies/{id}/cancel", "cancel", "Stop everything, deploy nothing.", _TOLD),
    Route(
        "POST",
        "/studies/{id}/approval",
        "approval",
        "Approve or reject exactly one plan, by its hash.",
        _TOLD,
        "approval",
    ),
    Route("GET", "/openapi.json", "openapi", "This description.", {200: "The description."}),
)
