"""Byte-level unigram tokenizer: trains on any corpus, segments in linear time, keeps every byte."""

from bytepiece.analysis.evaluation import Evaluation, evaluate
from bytepiece.analysis.inspection import inspect_model
from bytepiece.corpus.column import Column
from bytepiece.corpus.corpus import Corpus
from bytepiece.encoding.offsets import Encoding
from bytepiece.encoding.streams import StreamDecoder
from bytepiece.engines.executor import ExecutorEngine
from bytepiece.engines.local import LocalEngine
from bytepiece.engines.ray import RayEngine
from bytepiece.errors import (
    BenchError,
    BytePieceError,
    CheckpointError,
    CorpusError,
    CountsFormatError,
    DisallowedSpecialError,
    EngineError,
    ExportError,
    ImportModelError,
    ModelFormatError,
    OptionalDependencyError,
    SettingsError,
    ShardsError,
    TextError,
    TrainingError,
    UnknownIdError,
    UnknownPieceError,
)
from bytepiece.exchange import convert_to_bytepiece, export_model, import_model
from bytepiece.model.model import Model
from bytepiece.shards.reading import Shards, read_shards
from bytepiece.shards.verification import verify_shards
from bytepiece.shards.writing import write_shards
from bytepiece.tokenizer import Tokenizer
from bytepiece.training.trainer import Trainer
from bytepiece.version import __version__
from bytepiece.viewer.shown import show
from bytepiece.viewer.view import view

__all__ = [
    "BenchError",
    "BytePieceError",
    "CheckpointError",
    "Column",
    "Corpus",
    "CorpusError",
    "CountsFormatError",
    "DisallowedSpecialError",
    "Encoding",
    "EngineError",
    "Evaluation",
    "ExecutorEngine",
    "ExportError",
    "ImportModelError",
    "LocalEngine",
    "Model",
    "ModelFormatError",
    "OptionalDependencyError",
    "RayEngine",
    "SettingsError",
    "Shards",
    "ShardsError",
    "StreamDecoder",
    "TextError",
    "Tokenizer",
    "Trainer",
    "TrainingError",
    "UnknownIdError",
    "UnknownPieceError",
    "__version__",
    "convert_to_bytepiece",
    "evaluate",
    "export_model",
    "import_model",
    "inspect_model",
    "read_shards",
    "show",
    "verify_shards",
    "view",
    "write_shards",
]
