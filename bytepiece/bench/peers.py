"""Who can take part, and the model as a file for each of them."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from bytepiece.exchange.huggingface import tokenizer_json
from bytepiece.exchange.sentencepiece import to_sentencepiece
from bytepiece.model.model import Model
from bytepiece.version import __version__

__all__ = ["OTHERS", "THIS", "Peer", "write_json"]


class Peer(NamedTuple):
    """A library that can encode with a model.

    Attributes:
        label: its name in tables.
        module: what is imported; `bytepiece.bench.worker.open_tokenizer` knows it.
        write: writes a model to a file that it reads; all keep the ids of the pieces.
        python: the interpreter that has it.
    """

    label: str
    module: str
    write: Callable[[Model, str], None]
    python: str = sys.executable

    @property
    def installed(self) -> bool:
        """Whether it can be imported; of another interpreter, that is not known before it is tried."""
        return self.python != sys.executable or importlib.util.find_spec(self.module) is not None

    @property
    def version(self) -> str:
        """Its name and version, if it is one of this interpreter."""
        if self.python != sys.executable:
            return self.label
        return f"{self.module} {__version__ if self.module == 'bytepiece' else version(self.module)}"


def write_json(model: Model, path: str) -> None:
    """Write BytePiece's JSON, which has no room for special tokens; the ids of the pieces do not depend on them."""
    Model(model.pieces, model.counts, model.settings).save(path, format="json")


def _write_own(model: Model, path: str) -> None:
    model.save(path)


def _write_sentencepiece(model: Model, path: str) -> None:
    to_sentencepiece(model, path, force=True)


def _write_tokenizers(model: Model, path: str) -> None:
    Path(path).write_text(tokenizer_json(model, special_tokens_as_text=True), encoding="utf-8")


THIS = Peer("this project", "bytepiece", _write_own)

OTHERS = (
    Peer("SentencePiece", "sentencepiece", _write_sentencepiece),
    Peer("HF tokenizers", "tokenizers", _write_tokenizers),
    Peer("rs_bytepiece", "rs_bytepiece", write_json),
)
"""The others, which take part if they are installed."""
