"""A tokenizer for ``transformers`` that is this library inside.

Importing this module makes ``AutoTokenizer.from_pretrained`` find `BytePieceTokenizer` in folders that
`bytepiece.exchange.to_huggingface` or ``save_pretrained`` wrote.

``tokenizers`` keeps what a fast tokenizer has: vocabulary, added tokens, post-processor. `inside` encodes and decodes:
`added_tokens` finds the added tokens in a text, and `bytepiece.encoding` segments what is between them. `rows`
truncates, adds special tokens, and pads.
"""

from bytepiece.huggingface.tokenizer import BytePieceTokenizer

__all__ = ["BytePieceTokenizer"]
