r"""Segments: the parts of a text that are tokenized each by itself.

A text is cut after every run of newlines (U+000A alone), so ``"a\n\nb"`` has the segments ``"a\n\n"`` and ``"b"``.
The kernels of `bytepiece.core.segment` cut in the same places. Training cuts long segments further, see
`bytepiece.training.segments`.
"""

import re
from typing import Any

__all__ = ["segment_end", "spans_segments"]

_RUN = re.compile("\n+")
_RUN_OF_BYTES = re.compile(b"\n+")


def segment_end(text: str | bytes, position: int) -> int:
    r"""Where the segment ends that the character at ``position`` belongs to.

    >>> segment_end("one\n\ntwo", 1), segment_end(b"one\n\ntwo", 5)
    (5, 8)
    """
    of_str = isinstance(text, str)
    newline: Any = "\n" if of_str else b"\n"
    begin = text.find(newline, position)
    if begin < 0:
        return len(text)
    run: Any = _RUN if of_str else _RUN_OF_BYTES
    return int(run.match(text, begin).end())


def spans_segments(piece: bytes) -> bool:
    """Whether a piece has another byte after a newline. No segmentation has such a piece, as texts are cut there."""
    return b"\n" in piece.rstrip(b"\n")
