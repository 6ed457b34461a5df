"""Special tokens found in text: only where a call allows them, leftmost first, of those the longest.

The search is for the UTF-8 of the names in the UTF-8 of the text. (pyahocorasick, over characters, made encoding up to
37 times slower where names begin with many characters, see `benchmarks/README.md`.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from functools import lru_cache
from typing import Literal, TypeAlias

from bytepiece.core.names import NameFinder
from bytepiece.errors import DisallowedSpecialError, SettingsError
from bytepiece.text.preparation import to_bytes

__all__ = ["Names", "Part", "Parts", "SpecialTokens", "in_bytes"]

Names: TypeAlias = Literal["all"] | Set[str] | list[str] | tuple[str, ...]
"""Names of special tokens, as calls give them: some, or ``"all"``. One name alone, a ``str``, is none of these."""

Part: TypeAlias = str | bytes | int
"""A part of a text: what is segmented by itself, or the id of a special token. A ``str`` has no surrogates."""

Parts: TypeAlias = Sequence[Part]
"""The parts of a text, in order. Only if there is one part can it be ``str``."""

_CACHE_SIZE = 16  # sets of names for which the search is kept

_Key: TypeAlias = Literal["all"] | frozenset[str]
_IMMUTABLE = (str, tuple, frozenset)


class SpecialTokens:
    """The special tokens of a vocabulary, to be found in its texts.

    Args:
        ids: of each special token, by name.

    Thread safety: immutable, but for a cache that has its own lock.

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
            text: ``str``, or ``bytes``, in which the UTF-8 of the names is looked for.
            allowed: the names to be found. ``"all"``, or a frozenset, spares that its names are gone through.
            disallowed: names that must not be there; those that are allowed are not among them.
            errors: what becomes of lone surrogates, see `bytepiece.text.surrogates.ERRORS`.

        Returns the parts: ids, and bytes, none of them empty; so none for the empty text.

        Raises `DisallowedSpecialError` for the first disallowed name, `SettingsError` for a name that is no special
        token, and what `to_bytes` raises.
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
    """Names as a cache can hold them."""
    if isinstance(names, frozenset) or names == "all":
        return names
    if not isinstance(names, (str, bytes)):
        try:
            return frozenset(names)
        except TypeError:
            pass
    raise SettingsError(f"{argument} must be names or 'all', not {names!r}")


def in_bytes(parts: Iterable[Part]) -> list[bytes | int]:
    """Parts with ``bytes`` for each ``str``."""
    return [part.encode() if isinstance(part, str) else part for part in parts]


class _Search:
    """What is looked for: names, and those of them that must not be there."""

    def __init__(self, names: frozenset[str], disallowed: frozenset[str]) -> None:
        self.names = sorted(names)  # by code points, so their UTF-8 is sorted by bytes
        self.disallowed = disallowed
        self.finder = NameFinder([name.encode() for name in self.names])
