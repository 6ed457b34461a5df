"""The table of scripts, held to the names that this Python has for characters."""

import unicodedata
from collections import defaultdict

import numpy as np
import pytest

from bytepiece.text.character_classes import LETTER, class_table
from bytepiece.text.scripts import NO_SCRIPT, script_table

NAMES = ["LATIN SMALL", "GREEK SMALL", "CYRILLIC", "HEBREW", "DEVANAGARI LETTER", "GUJARATI", "KANNADA", "THAI", "LAO"]
NAMES += ["HANGUL", "KHMER", "CHEROKEE", "CANADIAN", "COPTIC SMALL", "CUNEIFORM", "HIRAGANA LETTER", "KATAKANA LETTER"]
NAMES += ["CJK UNIFIED", "ETHIOPIC"]


def test_it_has_every_code_point():
    assert script_table().shape == (0x110000,)
    assert script_table().dtype == np.uint8


@pytest.mark.slow
def test_letters_of_the_same_script_have_the_same_number_and_no_other_has_it():
    names = tuple(NAMES)
    numbers = defaultdict(set)
    for code in np.flatnonzero(class_table() == LETTER).tolist():
        name = unicodedata.name(chr(code), "")
        if name.startswith(names):
            numbers[next(each for each in names if name.startswith(each))].add(int(script_table()[code]))
    assert {name: len(found) for name, found in numbers.items()} == dict.fromkeys(NAMES, 1)
    assert len({*map(min, numbers.values())}) == len(NAMES)
    assert NO_SCRIPT not in {*map(min, numbers.values())}


def test_only_letters_have_a_script_and_not_all_of_them():
    assert not script_table()[class_table() != LETTER].any()
    for shared in "\u0301ー":  # an accent, and what lengthens vowels in Hiragana and Katakana
        assert class_table()[ord(shared)] == LETTER
        assert script_table()[ord(shared)] == NO_SCRIPT
