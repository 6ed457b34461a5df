"""Special tokens found in text: only where a call allows them, leftmost first, of those the longest.

The search is `pyahocorasick`'s, over characters. It is imported when a call first allows or disallows a name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from bytepiece.errors import DisallowedSpecialError, OptionalDependencyError, SettingsError, TextError

__all__ = ["Names", "Part", "SpecialTokens"]

Names: TypeAlias = Literal["all"] | Collection[str]
"""Names of special tokens, as calls give them: some, or ``"all"``."""

Part: TypeAlias = tuple[int, int, int | None]
"""A part of a text: begin, end, and the id of the special token it is, or None for plain text."""

_CACHE_SIZE = 16  # sets of names for which the search is kept

_Key: TypeAlias = Literal["all"] | frozenset[str]
_Match: TypeAlias = tuple[int, int, str]  # begin, end, name


class SpecialTokens:
    """The special tokens of a vocabulary, to be found in its texts.

    Args:
        ids: of each special token, by name.

    Thread safety: immutable, but for a cache that has its own lock.

    >>> tokens = SpecialTokens({"<a>": 300, "<b>": 301})
    >>> tokens.split("x<a><b>", allowed={"<a>"})
    [(0, 1, None), (1, 4, 300), (4, 7, None)]
    """

    def __init__(self, ids: Mapping[str, int]) -> None:
        self._ids = dict(ids)
        self._search: Callable[[_Key, _Key, bool], _Search] = lru_cache(_CACHE_SIZE)(self._make_search)

    def split(self, text: str | bytes, allowed: Names = (), disallowed: Names = ()) -> list[Part]:
        """Cut a text into special tokens and the plain text between them.

        Args:
            text: ``str``, or ``bytes``, in which the UTF-8 of the names is looked for.
            allowed: the names to be found. ``"all"``, or a frozenset, spares that its names are gone through.
            disallowed: names that must not be there; those that are allowed are not among them.

        Returns the parts, none of them empty, so none for the empty text.

        Raises `DisallowedSpecialError` for the first disallowed name, `SettingsError` for a name that is
        no special token, `TextError` for what is no text, `OptionalDependencyError` without pyahocorasick.
        """
        if not isinstance(text, (str, bytes)):
            raise TextError(f"text must be str or bytes, not {type(text).__name__}")
        if not allowed and not disallowed:
            return [(0, len(text), None)] if text else []
        search = self._search(
            _key("allowed_special", allowed), _key("disallowed_special", disallowed), isinstance(text, bytes)
        )
        matches = search.find(text)
        if not matches:
            return [(0, len(text), None)] if text else []
        parts: list[Part] = []
        position = 0
        for begin, end, name in matches:
            if name in search.disallowed:
                raise DisallowedSpecialError(name, begin)
            if position < begin:
                parts.append((position, begin, None))
            parts.append((begin, end, self._ids[name]))
            position = end
        if position < len(text):
            parts.append((position, len(text), None))
        return parts

    def _make_search(self, allowed: _Key, disallowed: _Key, in_bytes: bool) -> _Search:
        names = self._ids.keys()
        for argument, key in (("allowed_special", allowed), ("disallowed_special", disallowed)):
            unknown = () if key == "all" else key - names
            if unknown:
                raise SettingsError(f"{argument}: not a special token of this model: {min(map(repr, unknown))}")
        found = frozenset(names if allowed == "all" else allowed)
        refused = frozenset(names if disallowed == "all" else disallowed) - found
        return _Search(found | refused, refused, in_bytes)


def _key(argument: str, names: Names) -> _Key:
    """Names as a cache can hold them."""
    if isinstance(names, frozenset) or names == "all":
        return names
    if not isinstance(names, (str, bytes)):
        try:
            return frozenset(names)
        except TypeError:
            pass
    raise SettingsError(f"{argument} must be names or 'all', not {names!r}")


class _Search:
    """Finds names in texts; of ``bytes`` if ``in_bytes``, else of ``str``."""

    def __init__(self, names: Iterable[str], disallowed: frozenset[str], in_bytes: bool) -> None:
        self.disallowed = disallowed
        self._automaton = _import_ahocorasick().Automaton()
        for name in names:
            # Bytes are searched as the characters U+0000 to U+00FF: the wheels of pyahocorasick know `str` only.
            key = name.encode().decode("latin-1") if in_bytes else name
            self._automaton.add_word(key, (len(key), name))
        self._automaton.make_automaton()

    def find(self, text: str | bytes) -> list[_Match]:
        """Where the names are, from left to right, none in another."""
        characters = text.decode("latin-1") if isinstance(text, bytes) else text
        # Not `iter_long`, which has given wrong results.
        matches = [(last + 1 - length, last + 1, name) for last, (length, name) in self._automaton.iter(characters)]
        if len(matches) < 2:
            return matches
        matches.sort(key=_from_left_longest_first)
        return _disjoint(matches)


def _from_left_longest_first(match: _Match) -> tuple[int, int]:
    begin, end, _ = match
    return begin, -end


def _disjoint(matches: Sequence[_Match]) -> list[_Match]:
    """The first of the matches, the first that begins at its end or later, and so on."""
    found = []
    position = 0
    for match in matches:
        if match[0] >= position:
            found.append(match)
            position = match[1]
    return found


def _import_ahocorasick() -> Any:
    try:
        import ahocorasick
    except ImportError:
        raise OptionalDependencyError("special tokens in text need pyahocorasick: pip install pyahocorasick") from None
    if not ahocorasick.unicode:
        raise OptionalDependencyError(
            "special tokens in text need pyahocorasick as PyPI has it, not one built with AHOCORASICK_BYTES: "
            "pip install --force-reinstall pyahocorasick"
        )
    return ahocorasick
