"""Texts in parts, as engines read them."""

from dataclasses import dataclass


@dataclass
class Part:
    """A part of some texts."""

    number: int
    texts: list
    skipped: int = 0
    first_error: str | None = None

    @property
    def raw_bytes(self):
        return sum(map(len, self.texts))

    def __iter__(self):
        return iter(self.texts)

    @property
    def identity(self):
        return str(self)

    def __str__(self):
        return f"part {self.number}"


class Divided:
    """Texts in a number of parts, of which some are empty if there are more of them than texts."""

    def __init__(self, texts, n):
        self.texts = texts
        self.n = n
        self.raw_bytes = sum(map(len, texts))

    def __iter__(self):
        return iter(self.texts)

    def partitions(self, n_bytes, map):
        edges = [len(self.texts) * k // self.n for k in range(self.n + 1)]
        return [Part(k, self.texts[edges[k] : edges[k + 1]]) for k in range(self.n)]

    def note_skipped(self, skipped, first_error):
        pass
