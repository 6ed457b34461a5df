"""Models and texts become a page."""

from __future__ import annotations

import base64
import json
import os
import webbrowser
from collections.abc import Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import Any, TypeAlias

from bytepiece.analysis.evaluation import evaluate
from bytepiece.corpus.corpus import Corpus
from bytepiece.errors import SettingsError
from bytepiece.exchange import import_model
from bytepiece.files import atomic_writer
from bytepiece.model.model import Model
from bytepiece.tokenizer import Tokenizer
from bytepiece.viewer.bundle import page
from bytepiece.viewer.packed_model import pack_model

__all__ = ["MAX_MODELS", "Source", "view"]

MAX_MODELS = 4
"""The most models that one page shows."""

_SAMPLE_BYTES = 2**16  # of each text that the page brings along

Source: TypeAlias = Tokenizer | Model | str | os.PathLike[str]
"""A model, or where one is: a file that `import_model` reads."""


def view(
    models: Source | Sequence[Source],
    output: str | os.PathLike[str],
    *,
    texts: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = (),
    text_field: str = "text",
    report: Mapping[str, Any] | None = None,
    open: bool = False,
) -> None:
    """Write a page that shows what tokenizers do: one file, which works without a network.

    Args:
        models: a model, or up to `MAX_MODELS` that are compared: each a `Tokenizer`, a `Model`, or the path of a file
            that `bytepiece.import_model` reads.
        output: where to; an existing file is replaced.
        texts: files as a `Corpus` reads them. All their documents are encoded for the plots, and the beginning of each
            file is a sample text of the page.
        text_field: where the text is in a line of ``.jsonl`` or a row of ``.parquet``.
        report: the `Trainer.report` of the training that gave the models. The page then begins with what it took and
            gave.
        open: whether to open the page in a browser.

    Raises `SettingsError` for no model or too many; what `import_model` and `Corpus` raise; `OSError` if the page
    cannot be written.

    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "page.html")
    ...     view(Model.from_counts({"clock": 7}), path)
    ...     os.path.getsize(path) < 200_000
    True
    """
    sources = [models] if isinstance(models, (Tokenizer, Model, str, os.PathLike)) else list(models)
    if not 1 <= len(sources) <= MAX_MODELS:
        raise SettingsError(f"models must be 1 to {MAX_MODELS}, not {len(sources)}")
    loaded = [_model_of(source) for source in sources]
    names = _distinct([_name_of(source, model) for source, model in zip(sources, loaded, strict=True)])
    corpus = None
    if not isinstance(texts, (list, tuple)) or texts:
        corpus = Corpus(texts, text_field)
    data = {
        "models": [base64.b64encode(pack_model(*each)).decode() for each in zip(loaded, names, strict=True)],
        "texts": [] if corpus is None else _samples(corpus),
        "evaluations": [] if corpus is None else _evaluations(loaded, corpus),
        "training": report,
    }
    # Of what could end a script or begin a comment in HTML, nothing is left: "<" is written as an escape.
    text = json.dumps(data).replace("<", "\\u003c")
    with atomic_writer(output) as file:
        file.write(page(", ".join(names), text).encode("utf-8", "replace"))
    if open:
        webbrowser.open(Path(output).resolve().as_uri())


def _model_of(source: Source) -> Model:
    if isinstance(source, Tokenizer):
        return source.model
    return source if isinstance(source, Model) else import_model(source)


def _name_of(source: Source, model: Model) -> str:
    return (
        os.path.basename(os.path.normpath(source))
        if isinstance(source, (str, os.PathLike))
        else f"{model.vocab_size:,} ids"
    )


def _distinct(names: list[str]) -> list[str]:
    """The names; those that are there several times, with a number."""
    return [
        name if names.count(name) == 1 else f"{name} ({names[: k + 1].count(name)})" for k, name in enumerate(names)
    ]


def _samples(corpus: Corpus) -> list[dict[str, str]]:
    """The beginning of each file, in whole characters."""
    samples = []
    for path, documents in corpus.by_file():
        text = ""
        for document in documents:
            text += document[: _SAMPLE_BYTES - len(text)]
            if len(text) >= _SAMPLE_BYTES:
                break
            if not text.endswith("\n"):
                text += "\n"
        data = text.encode()[:_SAMPLE_BYTES].decode(errors="ignore").encode()
        samples.append({"name": os.path.basename(path), "base64": base64.b64encode(data).decode()})
    return samples


def _evaluations(models: list[Model], corpus: Corpus) -> list[dict[str, Any]]:
    """The bytes per token of each file, by each model."""
    found = [evaluate(model, corpus).files for model in models]
    return [
        {
            "name": os.path.basename(path),
            "models": [None if isnan(each[path].bytes_per_token) else each[path].bytes_per_token for each in found],
        }
        for path in found[0]
    ]
