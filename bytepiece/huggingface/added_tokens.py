"""Added tokens found in text, as ``tokenizers`` 0.23 finds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bytepiece.core.names import NameFinder

__all__ = ["AddedTokens"]


class AddedTokens:
    """The added tokens of a tokenizer, which it finds in texts.

    Those that are not normalized are found first, and the others in what is left. The leftmost is found first, of
    several that begin there the longest.

    Args:
        tokens: the tokens (``tokenizers.AddedToken``) by id.

    Attributes:
        names: the UTF-8 of the name of each token, by id.
        special: the ids of the special ones.
        all_special: whether there are no others.
        plain: whether each is found wherever its name is: none takes the white space around it, or stands for a word.
        normalized: whether some are found in the normalized text only.

    Thread safety: immutable.
    """

    def __init__(self, tokens: Mapping[int, Any]) -> None:
        self.names = {id: token.content.encode("utf-8", "replace") for id, token in tokens.items()}
        self.special = frozenset(id for id, token in tokens.items() if token.special)
        self.all_special = len(self.special) == len(tokens)
        self.plain = not any(token.lstrip or token.rstrip or token.single_word for token in tokens.values())
        normalized = [id for id, token in tokens.items() if token.normalized]
        self.normalized = bool(normalized)
        self._finders = [
            _Finder({id: self.names[id] for id in ids if self.names[id]})
            for ids in ([id for id in tokens if id not in {*normalized}], normalized)
        ]

    def split(self, data: bytes, split_special_tokens: bool) -> list[bytes | int]:
        """Cut a text into ids of tokens, and the text between them, which is not empty.

        Args:
            data: the UTF-8 of a text.
            split_special_tokens: leave special tokens in the text.
        """
        parts: list[bytes | int] = [data] if data else []
        for finder in self._finders:
            if finder.ids:
                skipped = self.special if split_special_tokens else frozenset()
                parts = [
                    smaller
                    for part in parts
                    for smaller in ([part] if isinstance(part, int) else finder.split(part, skipped))
                ]
        return parts


class _Finder:
    """A search for some names."""

    def __init__(self, names: Mapping[int, bytes]) -> None:
        self.ids = sorted(names, key=names.__getitem__)
        self._finder = NameFinder([names[id] for id in self.ids])

    def split(self, data: bytes, skipped: frozenset[int]) -> Iterable[bytes | int]:
        position = 0
        for begin, end, number in self._finder.find(data):
            if (id := self.ids[number]) in skipped:
                continue
            if position < begin:
                yield data[position:begin]
            yield id
            position = end
        if position < len(data):
            yield data[position:]
