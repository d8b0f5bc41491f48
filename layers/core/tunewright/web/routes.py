"""What may be asked: each route with its parameters and answers, as data that `openapi` tells."""

import re
from dataclasses import dataclass, field
from typing import Literal

PLACES = {
    "id": r"[a-z0-9-]{1,64}",
    "name": r"[A-Za-z0-9_.-]{1,64}",
    "token": r"[A-Za-z0-9_-]{1,512}",
}
"""What may stand in a path: a study's id, a profile's name, a signed token."""
Body = Literal["spec", "rules", "approval", "answer", "slack", "none"]


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
        media: What the answers are written in.
        signed: Whether it asks for SigV4; what does not is signed in itself.
    """

    method: str
    path: str
    name: str
    about: str
    answers: dict[int, str]
    body: Body = "none"
    parameters: tuple[Parameter, ...] = field(default=())
    media: str = "application/json"
    signed: bool = True

    @property
    def places(self) -> tuple[str, ...]:
        """What stands in its path."""
        return tuple(name for name in PLACES if f"{{{name}}}" in self.path)

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return the path's parameters if a request is for this route; None if it is not."""
        pattern = re.escape(self.path)
        for name in self.places:
            pattern = pattern.replace(rf"\{{{name}\}}", f"(?P<{name}>{PLACES[name]})")
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
_FRONT = Parameter(
    "front",
    "query",
    "Only trials that no other betters in the objective without losing in this quantity, of which "
    "less is better: `cost`, `seconds`, or a metric.",
    {"type": "string", "minLength": 1, "maxLength": 255},
)
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
        parameters=(_FRONT, _SORT, _ORDER, _LIMIT, _NEXT),
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
        "/studies/{id}/resync",
        "resync",
        "Look at every trial again and recount the study; also when it is over.",
        {status: _TOLD[status] for status in (202, 404)},
    ),
    Route(
        "POST",
        "/studies/{id}/approval",
        "approval",
        "Approve or reject exactly one plan, by its hash; the first answer counts.",
        {**_TOLD, 409: "The study is over, or the plan was answered otherwise before."},
        "approval",
    ),
    Route(
        "POST",
        "/studies/{id}/whatif",
        "whatif",
        "Replay the recorded trials under other stopping rules; nothing is changed.",
        {
            200: "What they would have saved, and lost.",
            404: "There is no such study.",
            422: "Something is wrong with the rules; every problem is told.",
        },
        "rules",
    ),
    Route(
        "GET",
        "/profiles/{name}",
        "profile",
        "Show what a profile allows, and where the files of its submitters go.",
        {200: "Here it is.", 404: "There is no such profile."},
    ),
    Route("GET", "/openapi.json", "openapi", "This description.", {200: "The description."}),
)

_LINK_ANSWERS = {
    403: "The link was not made by this stack.",
    404: "The link is not whole, or its study is not here.",
    410: "The link has expired, its study is over, or its plan was replaced.",
}
OPEN_ROUTES = (
    Route(
        "GET",
        "/approvals/{token}",
        "approval_page",
        "Show what a link asks; nothing is changed.",
        {200: "A page with two buttons, or with what was answered.", **_LINK_ANSWERS},
        media="text/html",
        signed=False,
    ),
    Route(
        "POST",
        "/approvals/{token}",
        "answer_link",
        "Approve or reject the plan that a link is for; the first answer counts.",
        {200: "A page that says what was answered and what happens next.", **_LINK_ANSWERS},
        "answer",
        media="text/html",
        signed=False,
    ),
    Route(
        "POST",
        "/slack/actions",
        "slack_actions",
        "Take what Slack tells of a pressed button, by Slack's own signature.",
        {
            200: "What takes the place of the message.",
            401: "It is not signed by Slack, or not of now.",
            404: "This stack takes no answers from Slack.",
        },
        "slack",
        signed=False,
    ),
)
"""What is asked without IAM, of a function of its own."""
