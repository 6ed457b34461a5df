"""The table of character classes, held to the Unicode of this Python."""

import unicodedata

import numpy as np
import pytest

from bytepiece.text.character_classes import (
    APOSTROPHE,
    BLANK,
    LETTER,
    LINE_END,
    NUMBER,
    OTHER,
    SPACE,
    class_table,
)

BY_CATEGORY = {"L": LETTER, "M": LETTER, "N": NUMBER, "Z": BLANK}
SPECIAL = {" ": SPACE, "\n": LINE_END, "\r": LINE_END, "'": APOSTROPHE, "’": APOSTROPHE, "\t": BLANK, "\v": BLANK}
SPECIAL |= {"\f": BLANK, "\x85": BLANK}


def expected(character):
    return SPECIAL.get(character, BY_CATEGORY.get(unicodedata.category(character)[0], OTHER))


def test_it_has_every_code_point():
    assert class_table().shape == (0x110000,)
    assert class_table().dtype == np.uint8


@pytest.mark.slow
def test_it_is_the_unicode_of_this_python_but_for_what_changed_since():
    assigned = [code for code in range(0x110000) if unicodedata.category(chr(code)) not in ("Cn", "Cs")]
    different = [code for code in assigned if class_table()[code] != expected(chr(code))]
    # A few characters changed their category from one Unicode to the next.
    assert len(different) < 20, [hex(code) for code in different[:40]]
    assert all(code > 0x2FF for code in different)
