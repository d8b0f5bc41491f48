"""Writes the page on which a person answers: one file, no script, nothing from anywhere else.

Everything that is put into it is escaped, whoever wrote it.
"""

import base64
import hashlib
from decimal import Decimal
from html import escape

from tunewright.app.approvals import Question, Trouble
from tunewright.domain.study import Command, CommandKind, Phase, Study
from tunewright.domain.values import show_duration, show_money, show_number

_STYLE = """
:root{color-scheme:light dark;--ink:#17202a;--dim:#5d6b7a;--paper:#f4f6f8;--card:#fff;
--line:#dfe5ea;--yes:#12805c;--no:#b3261e}
@media(prefers-color-scheme:dark){:root{--ink:#e8edf2;--dim:#9aa8b5;--paper:#11161b;--card:#1a2128;
--line:#2c363f;--yes:#1f9d74;--no:#d9534a}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:17px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:34rem;margin:0 auto;padding:1.25rem 1rem 3rem}
.brand{color:var(--dim);font-size:.85rem;letter-spacing:.04em;margin:.25rem 0 1rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:1.25rem}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 .5rem}
p{margin:.5rem 0;overflow-wrap:anywhere}
dl{margin:1rem 0 0}
dl div{border-top:1px solid var(--line);padding:.6rem 0}
dt{color:var(--dim);font-size:.85rem}
dd{margin:0;overflow-wrap:anywhere}
dd small,.dim{color:var(--dim);font-size:.85rem}
form{display:grid;grid-template-columns:1fr 1fr;gap:.75rem;margin-top:1rem}
button{font:inherit;font-weight:600;color:#fff;border:0;border-radius:10px;padding:.85rem;
cursor:pointer;background:var(--yes)}
button[value=reject]{background:transparent;color:var(--no);box-shadow:inset 0 0 0 2px var(--no)}
button:focus-visible{outline:3px solid var(--dim);outline-offset:2px}
code{font:.9em ui-monospace,SFMono-Regular,Menlo,monospace}
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}

SENTENCES = {
    Trouble.NOT_WHOLE: "This link is not whole. Open it from the message, or copy all of it.",
    Trouble.OTHER_KEY: (
        "This link was not made by this stack, or its signing key was replaced since. The newest "
        "message has a link that works."
    ),
    Trouble.EXPIRED: "This link has expired: a link lasts three days.",
    Trouble.NO_STUDY: "The study of this link is not in this stack any more.",
    Trouble.OVER: "The study is over: there is nothing left to approve.",
    Trouble.SUPERSEDED: (
        "This link is for a plan that has been replaced. If the study asks again, a newer message "
        "has the link for it."
    ),
}
"""What a person is told where a link cannot be answered."""
_DONE = {CommandKind.APPROVE: "Approved", CommandKind.REJECT: "Rejected"}


def said(answer: Command) -> str:
    """Say who answered what, and when."""
    return f"{_DONE[answer.kind]} by {answer.by} on {answer.at:%d %B %Y at %H:%M} UTC"


def question_page(question: Question) -> str:
    """Write what is asked, with two buttons; or what was answered."""
    study, planned = question.study, question.planned
    metric = study.spec.objective.metric
    rows = [
        ("Model", f"{metric} {show_number(planned.value)}", f"of {planned.trial}"),
        ("Would answer at", planned.endpoint, _machines(study)),
        ("Answers there now", *_live(question)),
        ("Price", *_price(question)),
    ]
    if planned.why:
        rows.append(("Why you are asked", planned.why[:1].upper() + planned.why[1:], ""))
    listed = "".join(_row(*row) for row in rows)
    if question.answer is not None:
        return _page(
            f"{_DONE[question.answer.kind]} already",
            f"<p>{escape(said(question.answer))}.</p><dl>{listed}</dl>",
        )
    buttons = (
        '<form method="post"><button name="answer" value="approve">Approve</button>'
        '<button name="answer" value="reject">Reject</button></form>'
        '<p class="dim">Nothing happens until you press one. The first answer counts.</p>'
    )
    about = f"<p>The search of <b>{escape(study.spec.study)}</b> has ended, and asks for you.</p>"
    return _page("May it go live?", f"{about}<dl>{listed}</dl>{buttons}")


def answered_page(question: Question, kept: Command, asked: CommandKind) -> str:
    """Write what the answer was, and what happens next."""
    planned = question.planned
    if kept.kind is CommandKind.APPROVE:
        price, until = _price(question)
        then = (
            f"{planned.endpoint} is being deployed. That takes some minutes; a message tells when "
            f"it answers, or why it does not. It costs {price} {until}."
        )
    else:
        then = (
            "Nothing is deployed, and the study ends. What is live stays as it is. The model "
            f"remains at {planned.artifact}."
        )
    first = ""
    if kept.kind is not asked:
        first = "<p>Your answer came second: each plan has one, the first.</p>"
    see = f'<p class="dim">See why: <code>tunewright why {escape(question.study.id)}</code></p>'
    return _page(_DONE[kept.kind], f"{first}<p>{escape(said(kept))}.</p><p>{escape(then)}</p>{see}")


def trouble_page(trouble: Trouble, study: Study | None) -> str:
    """Write why a link cannot be answered, and what can be done instead."""
    more = ""
    if study is not None:
        more = f"<p>{escape(study.spec.study)} is {escape(study.phase)}.</p>"
        ways = [("See why", "why")]
        if trouble is Trouble.EXPIRED and study.phase is Phase.AWAITING_APPROVAL:
            ways = [("Approve", "approve"), ("Reject", "reject"), *ways]
        more += "".join(
            f'<p class="dim">{label}: <code>tunewright {verb} {escape(study.id)}</code></p>'
            for label, verb in ways
        )
    return _page("This link does nothing", f"<p>{escape(SENTENCES[trouble])}</p>{more}")


def plain_page(title: str, text: str) -> str:
    """Write a sentence."""
    return _page(title, f"<p>{escape(text)}</p>")


def _machines(study: Study) -> str:
    deploy = study.spec.deploy
    return "" if deploy is None else f"on {deploy.count} × {deploy.instance}"


def _live(question: Question) -> tuple[str, str]:
    replaced, champion = question.planned.replaces, question.champion
    if replaced is None:
        return "nothing yet", ""
    if champion is None:
        return replaced, "what it is worth is not known here"
    objective = question.study.spec.objective
    known = f"{champion.metric} {show_number(champion.value)}"
    if champion.metric != objective.metric:
        return known, f"{replaced}, chosen by another metric"
    gain = objective.gain(champion.value, question.planned.value)
    worth = f"{show_number(abs(gain))} {'better' if gain >= 0 else 'worse'}"
    return known, f"{replaced}; the new model is {worth}"


def _price(question: Question) -> tuple[str, str]:
    hourly, deploy = question.planned.price_per_hour, question.study.spec.deploy
    lease = Decimal(0 if deploy is None else deploy.lease)
    whole = show_money(hourly * lease / 3600)
    until = f"until its lease of {show_duration(float(lease))} ends, {whole} in all"
    return f"{show_money(hourly * 24)} a day", until


def _row(label: str, value: str, note: str) -> str:
    small = f"<br><small>{escape(note)}</small>" if note else ""
    return f"<div><dt>{escape(label)}</dt><dd>{escape(value)}{small}</dd></div>"


def _page(title: str, inner: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)} - Tunewright</title><style>{_STYLE}</style></head>"
        f'<body><main><p class="brand">Tunewright</p><div class="card"><h1>{escape(title)}</h1>'
        f"{inner}</div></main></body></html>"
    )
