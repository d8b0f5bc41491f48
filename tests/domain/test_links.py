"""Tokens of links: one text for one link, and nothing that was changed is ever taken."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.build import START
from tunewright.domain import links
from tunewright.domain.links import LONGEST, BadLinkError, Flaw, Link, read, sign

KEY = bytes(range(32))
LINK = Link(study_id="churn-aaaaaa", plan_hash="0123456789abcdef", expires=START + LONGEST)
FLAWS = frozenset(Flaw)


def refused(token: str, key: bytes | None = KEY, now: datetime = START) -> Flaw:
    with pytest.raises(BadLinkError) as caught:
        read(token, key, now)
    return caught.value.flaw


def raw(token: str) -> bytes:
    return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))


def text(whole: bytes) -> str:
    return base64.urlsafe_b64encode(whole).rstrip(b"=").decode()


def test_a_link_is_read_as_it_was_signed() -> None:
    token = sign(LINK, KEY)
    assert read(token, KEY, START) == LINK
    assert len(token) < 512
    assert token == sign(LINK, KEY)


def test_it_is_taken_until_it_expires_and_never_longer_than_three_days() -> None:
    token = sign(LINK, KEY)
    last = LINK.expires - timedelta(seconds=1)
    assert read(token, KEY, last) == LINK
    assert refused(token, now=LINK.expires) is Flaw.EXPIRED
    with pytest.raises(BadLinkError) as caught:
        read(token, KEY, LINK.expires)
    assert caught.value.link == LINK
    longer = sign(LINK.but(expires=LINK.expires + timedelta(seconds=1)), KEY)
    assert refused(longer) is Flaw.EXPIRED


def test_another_key_is_told_as_one() -> None:
    token = sign(LINK, KEY)
    assert refused(token, bytes(32)) is Flaw.OTHER_KEY
    assert refused(token, None) is Flaw.OTHER_KEY


@given(st.integers(min_value=0, max_value=8 * 200 - 1))
@settings(max_examples=400, deadline=None)
def test_any_flipped_bit_is_refused(bit: int) -> None:
    whole = bytearray(raw(sign(LINK, KEY)))
    bit %= 8 * len(whole)
    whole[bit // 8] ^= 1 << bit % 8
    assert refused(text(bytes(whole))) in FLAWS


@given(st.integers(min_value=0, max_value=200), st.characters(codec="utf-8"))
@settings(max_examples=400, deadline=None)
def test_any_changed_character_is_refused(place: int, character: str) -> None:
    token = sign(LINK, KEY)
    place %= len(token)
    changed = token[:place] + character + token[place + 1 :]
    if changed != token:
        assert refused(changed) in FLAWS


@given(st.text() | st.binary().map(text))
def test_nothing_else_is_taken(token: str) -> None:
    assert refused(token) in FLAWS


@given(st.integers(min_value=0, max_value=120))
def test_a_part_of_a_token_is_none(length: int) -> None:
    token = sign(LINK, KEY)
    assert refused(token[: length % len(token)]) in FLAWS
    assert refused(token + "A" * (1 + length)) in FLAWS


def test_the_same_bytes_in_another_text_are_refused() -> None:
    token = sign(LINK.but(plan_hash="012"), KEY)
    whole = raw(token)
    assert len(whole) % 3, "the last character must have bits to spare"
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = token[:-1] + alphabet[alphabet.index(token[-1]) + 1]
    assert raw(twin) == whole
    assert refused(twin) is Flaw.NOT_WHOLE
    assert refused(token + "=") is Flaw.NOT_WHOLE


@pytest.mark.parametrize(
    ("subject", "seconds"),
    [(b"no plan", 1_767_225_600), (b"a/\xff", 1_767_225_600), (b"a/0", 2**63)],
)
def test_even_what_is_signed_must_make_sense(subject: bytes, seconds: int) -> None:
    head = b"\x01" + links._name(KEY) + seconds.to_bytes(8, "big")
    token = text(head + links._mac(KEY, head, subject) + subject)
    assert refused(token) is Flaw.NOT_WHOLE


def test_what_no_link_can_hold_is_not_signed() -> None:
    with pytest.raises(ValueError, match="no plan of a study"):
        sign(LINK.but(study_id="a/b"), KEY)
    with pytest.raises(ValueError, match="32 bytes"):
        sign(LINK, b"short")
    assert datetime.fromtimestamp(links._LATEST, UTC).year == 3000
