"""Carries what the topic sends by e-mail from its queue into the inbox."""

import json
import logging
import threading
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tunewright_local.deployment import MAIL_QUEUE
from tunewright_local.inbox import Letters

_LOG = logging.getLogger(__name__)
_WAIT_SECONDS = 2
_PAUSE_SECONDS = 1.0


class Postman:
    """A thread: it keeps a letter before it takes it out of the queue, so that none is lost."""

    def __init__(self, sqs: Any, letters: Letters) -> None:  # noqa: ANN401 - boto3's
        self._sqs = sqs
        self._letters = letters
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="postman", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End, after what is being carried."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._carry()
            except (BotoCoreError, ClientError, OSError, ValueError):
                _LOG.exception("mail could not be carried; it waits")
                self._stopped.wait(_PAUSE_SECONDS)

    def _carry(self) -> None:
        queue = self._sqs.get_queue_url(QueueName=MAIL_QUEUE)["QueueUrl"]
        while not self._stopped.is_set():
            answer = self._sqs.receive_message(
                QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=_WAIT_SECONDS
            )
            for each in answer.get("Messages", ()):
                told = json.loads(each["Body"])
                body = {"subject": told.get("Subject"), "text": told.get("Message", "")}
                self._letters.take(f"mail {told['MessageId']}", "mail", body)
                self._sqs.delete_message(QueueUrl=queue, ReceiptHandle=each["ReceiptHandle"])
