"""Byte-level unigram tokenizer: trains on any corpus, segments in linear time, keeps every byte."""

from bytepiece.corpus import Corpus
from bytepiece.errors import (
    BytePieceError,
    CorpusError,
    ModelFormatError,
    SettingsError,
    TextError,
    TrainingError,
    UnknownIdError,
    UnknownPieceError,
)
from bytepiece.model import Model
from bytepiece.tokenizer import Tokenizer
from bytepiece.training.trainer import Trainer

__version__ = "1.0.0.dev0"

__all__ = [
    "BytePieceError",
    "Corpus",
    "CorpusError",
    "Model",
    "ModelFormatError",
    "SettingsError",
    "TextError",
    "Tokenizer",
    "Trainer",
    "TrainingError",
    "UnknownIdError",
    "UnknownPieceError",
    "__version__",
]
