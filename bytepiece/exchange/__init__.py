"""Model files of other tokenizers: written, and read where some model gives the same ids.

`kinds` has a table of all kinds of files. `huggingface`, `sentencepiece` and `tsv` know one kind each, and none of them
needs the library of the other tokenizer. `dictionary` makes models of counted words, and `recovery` finds the counts
behind scores.
"""

from bytepiece.exchange.dictionary import convert_to_bytepiece, drop_unused_pieces
from bytepiece.exchange.huggingface import from_huggingface, to_huggingface
from bytepiece.exchange.kinds import KINDS, export_model, import_model
from bytepiece.exchange.sentencepiece import PieceProblem, from_sentencepiece, sentencepiece_problems, to_sentencepiece
from bytepiece.exchange.tsv import read_counts

__all__ = [
    "KINDS",
    "PieceProblem",
    "convert_to_bytepiece",
    "drop_unused_pieces",
    "export_model",
    "from_huggingface",
    "from_sentencepiece",
    "import_model",
    "read_counts",
    "sentencepiece_problems",
    "to_huggingface",
    "to_sentencepiece",
]
