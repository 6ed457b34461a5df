r"""Segments: the parts of a text that are tokenized each by itself.

A text is cut after every run of newlines (U+000A alone), so ``"a\n\nb"`` has the segments ``"a\n\n"`` and ``"b"``.
The kernels of `bytepiece.core.segment` cut in the same places. Training cuts long segments further, see
`bytepiece.training.segments`.
"""

__all__ = ["segment_end", "spans_segments"]


def segment_end(text: str | bytes, position: int) -> int:
    r"""Where the segment ends that the character at ``position`` belongs to.

    >>> segment_end("one\n\ntwo", 1), segment_end(b"one\n\ntwo", 5)
    (5, 8)
    """
    end = text.find("\n", position) if isinstance(text, str) else text.find(b"\n", position)
    if end < 0:
        return len(text)
    while end < len(text) and text[end] in ("\n", 0x0A):
        end += 1
    return end


def spans_segments(piece: bytes) -> bool:
    """Whether a piece has another byte after a newline. No segmentation has such a piece, as texts are cut there."""
    return b"\n" in piece.rstrip(b"\n")
