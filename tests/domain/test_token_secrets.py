"""Bearer secrets: their form, their checksum, and that a slip of the finger is seen."""

import re
import string

from hypothesis import given
from hypothesis import strategies as st

from app.domain.token_secrets import hint, is_well_formed, new_token_secret

ALPHABET = string.digits + string.ascii_letters


def test_scanners_find_a_secret_by_its_form() -> None:
    made = {new_token_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"sbx_[0-9A-Za-z]{49}", one) and is_well_formed(one) for one in made)
    assert all(one.startswith(hint(one)[:-1]) and len(hint(one)) == 9 for one in made)


@given(st.integers(4, 52), st.sampled_from(ALPHABET))
def test_one_wrong_letter_is_seen(position: int, letter: str) -> None:
    secret = new_token_secret()
    wrong = secret[:position] + letter + secret[position + 1 :]
    assert is_well_formed(wrong) == (wrong == secret)


@given(st.text(max_size=60))
def test_other_texts_are_no_secrets(text: str) -> None:
    assert not is_well_formed(text)
    assert not is_well_formed(new_token_secret() + text[:1]) or text[:1] == ""


def test_a_secret_that_was_published_still_has_its_checksum() -> None:
    """What was minted once must be accepted for ever: the checksum is part of the format."""
    assert is_well_formed("sbx_" + "0" * 43 + "2czCLJ")
