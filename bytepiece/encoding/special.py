"""Special tokens found in text: only those that a call allows, the leftmost first, of several there the longest.

The UTF-8 of the names is searched for in the UTF-8 of the text. (pyahocorasick, over characters, made encoding up to 37
times slower if names begin with many different characters, see `benchmarks/README.md`.)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from functools import lru_cache
from typing import Literal, TypeAlias

from bytepiece.core.names import NameFinder
from bytepiece.errors import DisallowedSpecialError, SettingsError
from bytepiece.text.preparation import to_bytes

__all__ = ["Names", "Part", "Parts", "SpecialTokens", "in_bytes"]

Names: TypeAlias = Literal["all"] | Set[str] | list[str] | tuple[str, ...]
"""Names of special tokens, as calls give them: a collection, also of a single name, or ``"all"``."""

Part: TypeAlias = str | bytes | int
"""A part of a text: text that is segmented by itself, or the id of a special token. A ``str`` has no surrogates."""

Parts: TypeAlias = Sequence[Part]
"""The parts of a text, in order. A ``str`` is always the only part."""

_CACHE_SIZE = 16  # searches that are kept

_Key: TypeAlias = Literal["all"] | frozenset[str]
_IMMUTABLE = (str, tuple, frozenset)


class SpecialTokens:
    """The special tokens of a vocabulary, which it finds in texts.

    Args:
        ids: the id of each special token, by name.

    Thread safety: immutable, apart from a cache that has its own lock.

    >>> tokens = SpecialTokens({"<a>": 300, "<b>": 301})
    >>> tokens.split("x<a><b>", allowed={"<a>"})
    [b'x', 300, b'<b>']
    """

    def __init__(self, ids: Mapping[str, int]) -> None:
        self._ids = dict(ids)
        self._search: Callable[[_Key, _Key], _Search] = lru_cache(_CACHE_SIZE)(self._make_search)
        self._last: tuple[Names, Names, _Search] = (), (), _Search(frozenset(), frozenset())

    def split(
        self, text: str | bytes, allowed: Names = (), disallowed: Names = (), errors: str = "strict"
    ) -> list[bytes | int]:
        """Cut a text into special tokens and the plain text between them.

        Args:
            text: ``str`` or ``bytes``.
            allowed: the names to be found. ``"all"`` and frozensets are fastest, as they are hashed only once.
            disallowed: names that must not be in the text, unless they are allowed.
            errors: what happens to lone surrogates, see `bytepiece.text.surrogates.ERRORS`.

        Returns the parts: ids, and ``bytes`` that are not empty. The empty text has no parts.

        Raises `DisallowedSpecialError` for the first disallowed name in the text, `SettingsError` for a name that is
        not a special token, and what `to_bytes` raises.
        """
        data = to_bytes(text, None, errors)
        if not allowed and not disallowed:
            return [data] if data else []
        last_allowed, last_disallowed, search = self._last
        if allowed is not last_allowed or disallowed is not last_disallowed:
            search = self._search_for(allowed, disallowed)
        matches = search.finder.find(data)
        if not matches:
            return [data] if data else []
        parts: list[bytes | int] = []
        position = 0
        for begin, end, number in matches:
            name = search.names[number]
            if name in search.disallowed:
                raise DisallowedSpecialError(name, begin if isinstance(text, bytes) else len(data[:begin].decode()))
            if position < begin:
                parts.append(data[position:begin])
            parts.append(self._ids[name])
            position = end
        if position < len(data):
            parts.append(data[position:])
        return parts

    def _search_for(self, allowed: Names, disallowed: Names) -> _Search:
        search = self._search(_key("allowed_special", allowed), _key("disallowed_special", disallowed))
        if isinstance(allowed, _IMMUTABLE) and isinstance(disallowed, _IMMUTABLE):
            self._last = allowed, disallowed, search
        return search

    def _make_search(self, allowed: _Key, disallowed: _Key) -> _Search:
        names = self._ids.keys()
        for argument, key in (("allowed_special", allowed), ("disallowed_special", disallowed)):
            unknown = () if key == "all" else key - names
            if unknown:
                raise SettingsError(f"{argument}: not a special token of this model: {min(map(repr, unknown))}")
        found = frozenset(names if allowed == "all" else allowed)
        refused = frozenset(names if disallowed == "all" else disallowed) - found
        return _Search(found | refused, refused)


def _key(argument: str, names: Names) -> _Key:
    """Names as the key of a cache."""
    if isinstance(names, frozenset) or names == "all":
        return names
    # Not an iterator, which would be empty after the first text.
    if isinstance(names, Collection) and not isinstance(names, (str, bytes)):
        try:
            return frozenset(names)
        except TypeError:
            pass
    raise SettingsError(f"{argument} must be names or 'all', not {names!r}")


def in_bytes(parts: Iterable[Part]) -> list[bytes | int]:
    """The same parts, with ``bytes`` in place of ``str``."""
    return [part.encode() if isinstance(part, str) else part for part in parts]


class _Search:
    """A search for some names, of which some are disallowed."""

    def __init__(self, names: frozenset[str], disallowed: frozenset[str]) -> None:
        self.names = sorted(names)  # by code points, so their UTF-8 is sorted by bytes
        self.disallowed = disallowed
        self.finder = NameFinder([name.encode() for name in self.names])
