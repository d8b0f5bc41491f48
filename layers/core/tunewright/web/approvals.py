"""Answers links and Slack's buttons: no IAM, but a signed token, or Slack's signature.

Looking never changes anything: mail scanners follow links. Only a POST answers.
"""

import json
import logging
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from tunewright.adapters.slack import render_answer
from tunewright.adapters.webhook import WebhookError
from tunewright.app.approvals import Approvals, CannotAnswerError, Trouble
from tunewright.app.ports import Clock
from tunewright.domain.study import CommandKind
from tunewright.web import page
from tunewright.web.request import BadRequestError, Request, read_event
from tunewright.web.slack_actions import Pressed, check_signature, read_pressed

_LOG = logging.getLogger(__name__)
_LINK = re.compile(r"/approvals/(?P<token>[^/]*)")
_SLACK = "/slack/actions"
_FORM = "application/x-www-form-urlencoded"
_MOST_FORM = 1024
_BY_LINK = "somebody by the link in a message"
_VERBS = {"approve": CommandKind.APPROVE, "reject": CommandKind.REJECT}
_STATUS = {
    Trouble.NOT_WHOLE: 404,
    Trouble.OTHER_KEY: 403,
    Trouble.EXPIRED: 410,
    Trouble.NO_STUDY: 404,
    Trouble.OVER: 410,
    Trouble.SUPERSEDED: 410,
}
Answer = dict[str, Any]


class ApprovalPages:
    """The pages of links, and the place that Slack tells of buttons."""

    def __init__(
        self,
        *,
        approvals: Approvals,
        signing: Callable[[], str] | None,
        slack: Callable[[str, dict[str, Any]], None],
        clock: Clock,
    ) -> None:
        """Take what it answers by.

        Args:
            approvals: What links ask.
            signing: Reads Slack's signing secrets, one a line; None if Slack tells us nothing.
            slack: Posts to a place of Slack's.
            clock: The time.
        """
        self._approvals = approvals
        self._signing = signing
        self._slack = slack
        self._clock = clock

    def handle(self, event: Mapping[str, Any]) -> Answer:
        """Answer a REST API proxy event; it never raises."""
        try:
            request = read_event(event)
            answer = self._answer(request, event)
        except BadRequestError as error:
            return _html(error.status, page.plain_page("This cannot be read", str(error)))
        except Exception:  # noqa: BLE001 - the one place where any error becomes an answer
            # The path holds a token: it is not logged.
            _LOG.exception("an approval could not be handled")
            words = "Nothing was answered, or nobody can say. Open the link again in a moment."
            return _html(500, page.plain_page("Something went wrong here", words))
        return {**answer, "body": ""} if request.method == "HEAD" else answer

    def _answer(self, request: Request, event: Mapping[str, Any]) -> Answer:
        link = _LINK.fullmatch(request.path)
        if link is None and request.path != _SLACK:
            raise BadRequestError("there is no such page", status=404)
        takes = ("GET", "HEAD", "POST") if link else ("POST",)
        if request.method not in takes:
            refused = _html(
                405, page.plain_page("This page cannot do that", "Open it by its link.")
            )
            return {**refused, "headers": {**refused["headers"], "Allow": ", ".join(takes)}}
        if link is None:
            return self._pressed(request, event)
        try:
            if request.method == "POST":
                return self._decided(link["token"], _decision(request))
            return _html(200, page.question_page(self._approvals.ask(link["token"])))
        except CannotAnswerError as error:
            return _html(_STATUS[error.trouble], page.trouble_page(error.trouble, error.study))

    def _decided(self, token: str, kind: CommandKind) -> Answer:
        question = self._approvals.ask(token)
        kept = self._approvals.answer(token, kind, by=_BY_LINK)
        return _html(200, page.answered_page(question, kept, kind))

    def _pressed(self, request: Request, event: Mapping[str, Any]) -> Answer:
        if self._signing is None:
            raise BadRequestError("this stack takes no answers from Slack", status=404)
        secrets = tuple(self._signing().split())
        check_signature(event, request.body, secrets, self._clock.now())
        pressed = read_pressed(request.body)
        if pressed.verb not in _VERBS:
            return _json("")  # A button that only leads to the page.
        shown = self._replacement(pressed)
        if pressed.reply_to:
            try:
                self._slack(pressed.reply_to, shown)
            except WebhookError as error:  # The answer counts, whatever the message shows.
                _LOG.warning("the message in Slack could not be replaced: %s", error)
        return _json(json.dumps(shown))

    def _replacement(self, pressed: Pressed) -> dict[str, Any]:
        """Answer, and write what takes the place of the message, or is shown beside it."""
        try:
            question = self._approvals.ask(pressed.token)
            kept = self._approvals.answer(pressed.token, _VERBS[pressed.verb], by=pressed.by)
        except CannotAnswerError as error:
            text = page.SENTENCES[error.trouble]
            return {"response_type": "ephemeral", "replace_original": False, "text": text}
        planned = question.planned
        what = f"{question.study.spec.study} · {planned.trial} for {planned.endpoint}"
        return render_answer(f"{what}\n{page.said(kept)}.")


def _decision(request: Request) -> CommandKind:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _FORM:
        raise BadRequestError(f"send {_FORM}", status=415)
    if len(request.body) > _MOST_FORM:
        raise BadRequestError(f"at most {_MOST_FORM} bytes are taken", status=413)
    try:
        told = parse_qs(request.body.decode("ascii"), strict_parsing=True)
        (verb,) = told["answer"]
        return _VERBS[verb]
    except (ValueError, KeyError):
        raise BadRequestError("the answer is approve or reject") from None


def _html(status: int, text: str) -> Answer:
    return {"statusCode": status, "headers": dict(page.HEADERS), "body": text}


def _json(text: str) -> Answer:
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return {"statusCode": 200, "headers": headers, "body": text}
