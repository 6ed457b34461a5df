"""Models of other tokenizers: written, and read where an exact model exists.

`huggingface` and `sentencepiece` know one peer each, `dictionary` counted words; `importing` tells the files apart, and
`recovery` finds the counts behind scores. None of them needs the peer's library.
"""

from bytepiece.exchange.dictionary import convert_to_bytepiece, read_counts
from bytepiece.exchange.huggingface import from_huggingface, to_huggingface
from bytepiece.exchange.importing import import_model
from bytepiece.exchange.sentencepiece import PieceProblem, from_sentencepiece, sentencepiece_problems, to_sentencepiece

__all__ = [
    "PieceProblem",
    "convert_to_bytepiece",
    "from_huggingface",
    "from_sentencepiece",
    "import_model",
    "read_counts",
    "sentencepiece_problems",
    "to_huggingface",
    "to_sentencepiece",
]
