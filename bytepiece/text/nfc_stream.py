"""NFC of a text that comes in parts."""

from __future__ import annotations

from bytepiece.text.composition import composition
from bytepiece.text.normal_form import nfc

__all__ = ["NfcStream"]


class NfcStream:
    r"""Normalizes a text that comes in parts: the results joined are the NFC of the parts joined.

    The last cluster is kept back while the next part may still change it.

    >>> stream = NfcStream()
    >>> stream.feed("cafe"), stream.feed("\u0301 au"), stream.flush()
    ('caf', 'é a', 'u')
    """

    def __init__(self) -> None:
        self._kept: list[str] = []

    def feed(self, text: str) -> str:
        """Take the next part of the text; returns what is certain by now, normalized."""
        if not text:
            return ""
        _, _, joining, open_ = composition()
        if text[-1] not in open_ and text[-1] not in joining:
            cut = len(text)
        else:
            cut = next((k for k in range(len(text) - 1, -1, -1) if text[k] not in joining), -1)
            if cut < 0:
                self._kept.append(text)
                return ""
        whole = "".join([*self._kept, text[:cut]])
        self._kept = [text[cut:]]
        return nfc(whole)

    def flush(self) -> str:
        """End the text; returns the rest of it, normalized."""
        rest = "".join(self._kept)
        self._kept = []
        return nfc(rest)
