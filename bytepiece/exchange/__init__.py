"""Models of other tokenizers: written, and read where an exact model exists.

`huggingface` and `sentencepiece` know one peer each, `dictionary` counted words; `kinds` tells the files apart, and
`recovery` finds the counts behind scores. None of them needs the peer's library.
"""

from bytepiece.exchange.dictionary import convert_to_bytepiece, read_counts, settle
from bytepiece.exchange.huggingface import from_huggingface, to_huggingface
from bytepiece.exchange.kinds import KINDS, caveats, export_model, import_model
from bytepiece.exchange.sentencepiece import PieceProblem, from_sentencepiece, sentencepiece_problems, to_sentencepiece

__all__ = [
    "KINDS",
    "PieceProblem",
    "caveats",
    "convert_to_bytepiece",
    "export_model",
    "from_huggingface",
    "from_sentencepiece",
    "import_model",
    "read_counts",
    "sentencepiece_problems",
    "settle",
    "to_huggingface",
    "to_sentencepiece",
]
