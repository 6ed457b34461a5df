"""The formats of other tokenizers, added to those that `Model.load` and `Model.save` know.

To add one, write a module like `huggingface` or `sentencepiece`, and add an entry to the table here.
"""

from __future__ import annotations

import os

from bytepiece.exchange.huggingface import is_tokenizer, parse_tokenizer, to_huggingface
from bytepiece.exchange.sentencepiece import is_sentencepiece, parse_sentencepiece, to_sentencepiece
from bytepiece.exchange.tsv import is_tsv, parse_tsv
from bytepiece.model.formats import Format, SaveOptions, add_formats, save_model, writable_formats
from bytepiece.model.model import Model
from bytepiece.model.reserved import RESERVED_TOKENS

__all__ = ["KINDS", "export_model", "import_model"]


def _write_huggingface(model: Model, path: str | os.PathLike[str], options: SaveOptions) -> None:
    to_huggingface(
        model,
        path,
        special_tokens_as_text=options.special_tokens_as_text,
        model_max_length=options.model_max_length,
        auto_map=options.auto_map,
    )


def _write_sentencepiece(model: Model, path: str | os.PathLike[str], options: SaveOptions) -> None:
    to_sentencepiece(model, path, force=options.force)


def _huggingface_remark(model: Model, options: SaveOptions) -> str | None:
    n = len(model.special_tokens) - len(RESERVED_TOKENS)
    if not n:
        return None
    if options.special_tokens_as_text:
        return "the names of special tokens in a text stay text there"
    return f"special tokens ({n} and the reserved ones) are found in any text there, unless they are exported as text"


def _sentencepiece_remark(model: Model, options: SaveOptions) -> str | None:
    return (
        "SentencePiece does not normalize as the model does: apply NFC to text before" if model.normalization else None
    )


add_formats(
    # This one is asked first, because a counted piece can look like the beginning of any other file.
    Format("counts", "lines of a piece, a tab and a count", is_tsv, parse_tsv),
    Format(
        "huggingface",
        "a tokenizer.json",
        is_tokenizer,
        parse_tokenizer,
        _write_huggingface,
        _huggingface_remark,
        file_in_folder="tokenizer.json",
    ),
    Format(
        "sentencepiece",
        "a SentencePiece model",
        is_sentencepiece,
        parse_sentencepiece,
        _write_sentencepiece,
        _sentencepiece_remark,
    ),
)

KINDS = writable_formats()
"""What `export_model` writes: Hugging Face's folder, a SentencePiece model, this project's format, BytePiece's JSON."""


def import_model(path: str | os.PathLike[str]) -> Model:
    r"""Read a model of any kind, as `Model.load` does; raises what that raises.

    The kinds are this project's model files, BytePiece's JSON, a ``tokenizer.json`` or a folder with one
    (`from_huggingface`), a SentencePiece model (`from_sentencepiece`), and counted pieces (`read_counts`).

    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "words.tsv")
    ...     with open(path, "w") as file:
    ...         size = file.write("clock\t5\n")
    ...     import_model(path).pieces[-1]
    b'clock'
    """
    return Model.load(path)


def export_model(
    model: Model,
    path: str | os.PathLike[str],
    format: str,
    *,
    force: bool = False,
    special_tokens_as_text: bool = False,
    model_max_length: int | None = None,
    auto_map: bool = False,
) -> str | None:
    """Write a model as one of `KINDS`, as `Model.save` does.

    Returns what to know of the file, if there is something: how it differs from the model, or what was decided. What
    differs in single pieces is told by `sentencepiece_problems`.

    Raises what `Model.save` raises.

    >>> import os, tempfile
    >>> model = Model.from_counts({"clock": 5})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "clock")
    ...     export_model(model, path, "huggingface")
    ...     import_model(path) == model
    True
    """
    return save_model(model, path, format, SaveOptions(force, special_tokens_as_text, model_max_length, auto_map))
