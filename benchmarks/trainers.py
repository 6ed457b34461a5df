"""The trainers that are compared.

Run as a script, this file is the process that is measured: it trains one model. The interpreter is the one that has the
peer, and nothing else is imported.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple


class Trained(NamedTuple):
    size: int
    """The number of its ids."""
    count: Callable[[str], int]
    """The number of tokens of a text."""


class Trainer(NamedTuple):
    label: str
    module: str
    train: Callable[[argparse.Namespace], None]
    """Train on ``options.jsonl``, or on its lines in ``options.lines``, and save to ``options.output``."""
    open: Callable[[str], Trained]
    """Load the saved model."""


# This project.


def _this(**settings: Any) -> Callable[[argparse.Namespace], None]:
    def train(options: argparse.Namespace) -> None:
        from bytepiece import Corpus, Trainer

        trainer = Trainer(vocab_size=options.size, min_count=options.min_count, **settings)
        trainer.train(Corpus(options.jsonl), workers=options.workers, memory_limit=options.memory_limit, progress=False)
        trainer.save(options.output)

    return train


def _open_this(path: str) -> Trained:
    from bytepiece import Tokenizer

    tokenizer = Tokenizer(path)
    return Trained(tokenizer.vocab_size, tokenizer.count)


# SentencePiece.


def _sentencepiece(**settings: Any) -> Callable[[argparse.Namespace], None]:
    def train(options: argparse.Namespace) -> None:
        from sentencepiece import SentencePieceTrainer

        with open(options.output, "wb") as file:
            SentencePieceTrainer.train(
                input=options.lines,
                model_writer=file,
                vocab_size=options.size,
                num_threads=options.workers,
                # Use all of the text, unchanged.
                byte_fallback=True,
                normalization_rule_name="identity",
                remove_extra_whitespaces=False,
                add_dummy_prefix=False,
                max_sentence_length=100_000_000,
                minloglevel=1,
                **settings,
            )

    return train


def _open_sentencepiece(path: str) -> Trained:
    """SentencePiece saw no newlines, so it has no pieces for them. Each run of newlines counts as one token."""
    import re

    from sentencepiece import SentencePieceProcessor

    processor = SentencePieceProcessor(model_file=path)

    def count(text: str) -> int:
        parts = re.findall(r"\n+|[^\n]+", text)
        return sum(1 if part[0] == "\n" else len(processor.encode(part)) for part in parts)

    return Trained(processor.get_piece_size(), count)


ACROSS_SPACES = {
    "model_type": "bpe",
    "split_by_whitespace": False,
    "split_by_unicode_script": False,
    "split_by_number": False,
    "max_sentencepiece_length": 24,
}


# HF tokenizers.


def _train_hf(options: argparse.Namespace) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=options.size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train([options.lines], trainer)
    tokenizer.save(options.output)


def _open_hf(path: str) -> Trained:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(path)
    return Trained(tokenizer.get_vocab_size(), lambda text: len(tokenizer.encode(text).ids))


# BytePiece 0.6.3.


class _Texts:
    """Texts that BytePiece can read twice, as it does."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __iter__(self) -> Iterator[str]:
        with open(self._path, encoding="utf-8", newline="\n") as file:
            for line in file:
                yield json.loads(line)["text"]


def _train_bytepiece063(options: argparse.Namespace) -> None:
    import bytepiece

    trainer = bytepiece.Trainer(max_vocab_size=options.size, min_count=options.min_count or 8)
    trainer.train(_Texts(options.jsonl), workers=options.workers)
    trainer.save(options.output)


TRAINERS = {
    "this": Trainer("this project", "bytepiece", _this(), _open_this),
    "this-length": Trainer(
        "this project, across words, by length",
        "bytepiece",
        _this(boundaries=None, refine_objective="length"),
        _open_this,
    ),
    "this-plain": Trainer(
        "this project, not refined", "bytepiece", _this(boundaries=None, refine_rounds=0), _open_this
    ),
    "sp-bpe": Trainer("SentencePiece BPE", "sentencepiece", _sentencepiece(model_type="bpe"), _open_sentencepiece),
    "sp-unigram": Trainer(
        "SentencePiece Unigram", "sentencepiece", _sentencepiece(model_type="unigram"), _open_sentencepiece
    ),
    "sp-bpe-spaces": Trainer(
        "SentencePiece BPE across spaces", "sentencepiece", _sentencepiece(**ACROSS_SPACES), _open_sentencepiece
    ),
    "sp-bpe-spaces-runs": Trainer(
        "SentencePiece BPE across spaces, with runs of them",
        "sentencepiece",
        _sentencepiece(**ACROSS_SPACES, allow_whitespace_only_pieces=True),
        _open_sentencepiece,
    ),
    "hf-bpe": Trainer("HF tokenizers BPE, byte-level", "tokenizers", _train_hf, _open_hf),
    "bp063": Trainer("BytePiece 0.6.3", "bytepiece", _train_bytepiece063, _open_this),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("trainer", choices=TRAINERS)
    parser.add_argument("--jsonl", required=True)
    parser.add_argument("--lines", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--min-count", type=int)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--memory-limit")
    options = parser.parse_args()
    TRAINERS[options.trainer].train(options)


if __name__ == "__main__":
    main()
