"""Draws the inbox as one page of HTML: no script, nothing from elsewhere, everything escaped."""

import base64
import hashlib
import html
import re
from collections.abc import Callable
from typing import Any

from tunewright_local.inbox import Letter

_STYLE = """
:root{color-scheme:light dark;--ink:#1d1c1d;--soft:#616061;--line:#dddddd;--card:#ffffff;
--page:#f4f3f6;--accent:#1264a3;--good:#007a5a;--bad:#c01343;--bar:#5b3fd1}
@media(prefers-color-scheme:dark){:root{--ink:#e8e8e8;--soft:#ababad;--line:#3a3b3f;
--card:#222529;--page:#17181b;--accent:#5ab0ee;--good:#2bac76;--bad:#f2557d;--bar:#8f7bff}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);
font:15px/1.47 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1180px;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.35rem;margin:0}
header p{color:var(--soft);margin:.2rem 0 1.3rem}
.columns{display:grid;gap:1.25rem;grid-template-columns:minmax(0,1fr)}
@media(min-width:900px){.columns{grid-template-columns:minmax(0,1fr) minmax(0,1fr)}}
h2{font-size:.8rem;letter-spacing:.07em;text-transform:uppercase;color:var(--soft);margin:0 0 .6rem}
article{background:var(--card);border:1px solid var(--line);border-radius:10px;
padding:.85rem 1.05rem 1rem;margin:0 0 .9rem;overflow-wrap:anywhere}
.from{display:flex;gap:.6rem;align-items:center;margin-bottom:.45rem}
.from b{font-weight:700}.from time{color:var(--soft);font-size:.8rem;margin-left:auto}
.face{width:2rem;height:2rem;border-radius:7px;background:var(--bar);color:#fff;
display:grid;place-items:center;font-weight:800;flex:none}
.tag{font-size:.65rem;background:var(--line);border-radius:3px;padding:.05rem .3rem}
h3{font-size:1.08rem;margin:.15rem 0 .4rem}
p{margin:.3rem 0}
.fields{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:.5rem 1.2rem;
margin:.65rem 0}
.context{color:var(--soft);font-size:.78rem;margin-top:.6rem}
code{font:.85em ui-monospace,Menlo,Consolas,monospace;background:var(--page);
border:1px solid var(--line);border-radius:4px;padding:0 .25rem}
.actions{display:flex;gap:.5rem;flex-wrap:wrap;margin:.8rem 0 .2rem}
.actions form{margin:0}
.button,button{display:inline-block;font-family:inherit;font-size:.85rem;font-weight:600;line-height:1;
padding:.55rem .85rem;border-radius:6px;border:1px solid var(--line);background:var(--card);
color:var(--ink);text-decoration:none;cursor:pointer}
.primary{background:var(--good);border-color:var(--good);color:#fff}
.danger{background:var(--bad);border-color:var(--bad);color:#fff}
summary{list-style:none}summary::-webkit-details-marker{display:none}
details[open]>div{border:1px solid var(--line);border-radius:8px;padding:.7rem;margin-top:.5rem}
pre{font:.85rem/1.5 ui-monospace,Menlo,Consolas,monospace;white-space:pre-wrap;margin:.5rem 0 0}
.subject{font-weight:700}.meta{color:var(--soft);font-size:.8rem}
a{color:var(--accent)}.none{color:var(--soft)}
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_REFRESH_SECONDS = 5
_MOST = 100
_LINK = re.compile(r"<(https?://[^|<>\s]+)(?:\|([^<>]*))?>")
_URL = re.compile(r"https?://[^\s<>\"']+")

Sign = Callable[[str], str]
"""Makes of a letter's id a proof that a button of this page was pressed."""


def page(letters: list[Letter], sign: Sign) -> str:
    """Draw the inbox, the newest first.

    Args:
        letters: The letters, the oldest first; one with the id of another and `answered` after it
            stands in the other's place.
        sign: Proves presses of buttons.
    """
    answered = {each.id.removesuffix(" answered") for each in letters if _is_answer(each)}
    shown = [each for each in reversed(letters) if each.id not in answered]
    columns = []
    for kind, title, draw in (("slack", "Slack", _slack), ("mail", "E-mail", _mail)):
        of_kind = [each for each in shown if each.kind == kind]
        body = "".join(draw(each, sign) for each in of_kind[:_MOST])
        none = '<p class="none">Nothing yet.</p>'
        columns.append(f"<section><h2>{title} · {len(of_kind)}</h2>{body or none}</section>")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta http-equiv="refresh" content="{_REFRESH_SECONDS}">'
        f"<title>Inbox · Tunewright</title><style>{_STYLE}</style></head><body><main>"
        "<header><h1>Inbox</h1><p>What Tunewright told people from this machine, as they would "
        "have seen it. Nothing left it.</p></header>"
        f'<div class="columns">{"".join(columns)}</div></main></body></html>'
    )


def mrkdwn(text: str) -> str:
    """Write Slack's mark-up as HTML.

    >>> mrkdwn("*best* `a` &lt;b&gt;")
    '<strong>best</strong> <code>a</code> &lt;b&gt;'
    >>> mrkdwn("<https://x.org/a|see> <javascript:x|no>")
    '<a href="https://x.org/a" rel="noreferrer">see</a> &lt;javascript:x|no&gt;'
    """
    parts, at = [], 0
    for found in _LINK.finditer(text):
        parts.append(_styled(text[at : found.start()]))
        url, label = found.group(1), found.group(2)
        shown = _plain(label or url)
        parts.append(f'<a href="{_plain(url)}" rel="noreferrer">{shown}</a>')
        at = found.end()
    parts.append(_styled(text[at:]))
    return "".join(parts)


def _is_answer(letter: Letter) -> bool:
    return letter.id.endswith(" answered")


def _plain(text: str) -> str:
    """Take Slack's three escapes away, then escape for HTML."""
    raw = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return html.escape(raw)


def _styled(text: str) -> str:
    safe = _plain(text)
    safe = re.sub(r"`([^`\n]+)`", r"<code>\1</code>", safe)
    safe = re.sub(r"(?<!\w)\*([^*\n]+)\*(?!\w)", r"<strong>\1</strong>", safe)
    safe = re.sub(r"(?<!\w)_([^_\n]+)_(?!\w)", r"<em>\1</em>", safe)
    return safe.replace("\n", "<br>")


def _slack(letter: Letter, sign: Sign) -> str:
    blocks = letter.body.get("blocks") or ()
    body = "".join(
        _block(each, letter, number, sign)
        for number, each in enumerate(blocks)
        if isinstance(each, dict)
    )
    if not body:
        body = f"<p>{mrkdwn(str(letter.body.get('text', '')))}</p>"
    return (
        '<article><div class="from"><span class="face">T</span><b>Tunewright</b>'
        f'<span class="tag">APP</span>{_time(letter)}</div>{body}</article>'
    )


def _mail(letter: Letter, _sign: Sign) -> str:
    text = html.escape(str(letter.body.get("text", "")))
    text = _URL.sub(lambda m: f'<a href="{m.group()}" rel="noreferrer">{m.group()}</a>', text)
    return (
        f'<article><div class="subject">{html.escape(letter.title)}</div>'
        f'<div class="meta">Tunewright to you@example.com · {_time(letter)}</div>'
        f"<pre>{text}</pre></article>"
    )


def _time(letter: Letter) -> str:
    return f'<time datetime="{html.escape(letter.at)}">{html.escape(letter.at[11:19])} UTC</time>'


def _block(block: dict[str, Any], letter: Letter, number: int, sign: Sign) -> str:
    match block:
        case {"type": "header", "text": {"text": str(text)}}:
            return f"<h3>{html.escape(text)}</h3>"
        case {"type": "section", "fields": list(fields)}:
            cells = "".join(f"<div>{mrkdwn(str(each.get('text', '')))}</div>" for each in fields)
            return f'<div class="fields">{cells}</div>'
        case {"type": "section", "text": {"text": str(text)}}:
            return f"<p>{mrkdwn(text)}</p>"
        case {"type": "context", "elements": list(elements)}:
            told = " ".join(mrkdwn(str(each.get("text", ""))) for each in elements)
            return f'<div class="context">{told}</div>'
        case {"type": "actions", "elements": list(elements)}:
            buttons = "".join(
                _button(each, letter, f"{number}.{place}", sign)
                for place, each in enumerate(elements)
            )
            return f'<div class="actions">{buttons}</div>'
        case _:
            return ""


def _button(button: dict[str, Any], letter: Letter, place: str, sign: Sign) -> str:
    label = html.escape(str((button.get("text") or {}).get("text", "")))
    style = button.get("style") if button.get("style") in {"primary", "danger"} else ""
    url = str(button.get("url", ""))
    if _URL.fullmatch(url):
        href = html.escape(url)
        return f'<a class="button {style}" href="{href}" rel="noreferrer">{label}</a>'
    press = (
        '<form method="post" action="/_inbox/press">'
        f'<input type="hidden" name="letter" value="{html.escape(letter.id)}">'
        f'<input type="hidden" name="place" value="{place}">'
        f'<input type="hidden" name="proof" value="{sign(letter.id)}">'
        f'<button class="{style}">{{label}}</button></form>'
    )
    confirm = button.get("confirm")
    if not isinstance(confirm, dict):
        return press.replace("{label}", label)
    asked = mrkdwn(str((confirm.get("text") or {}).get("text", "")))
    yes = html.escape(str((confirm.get("confirm") or {}).get("text", "Yes")))
    return (
        f'<details><summary class="button {style}">{label}</summary>'
        f"<div><p>{asked}</p>{press.replace('{label}', yes)}</div></details>"
    )
