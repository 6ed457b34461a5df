"""The class `BytePieceTokenizer`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, wraps
from itertools import chain
from typing import Any

from bytepiece.encoding.encoder import Encoder
from bytepiece.errors import OptionalDependencyError
from bytepiece.exchange.huggingface import (
    TOKENIZER,
    model_of_document,
    tokenizer_config,
    tokenizer_json,
    with_vocabulary,
)
from bytepiece.files import atomic_writer
from bytepiece.huggingface.inside import Inside
from bytepiece.huggingface.rows import Padding, Row, Slot, Truncation, pad, whole, windows
from bytepiece.model.model import Model
from bytepiece.model.reserved import RESERVED_TOKENS
from bytepiece.training.trainer import Trainer

try:
    import tokenizers
    from transformers import AutoTokenizer, BatchEncoding, PretrainedConfig, PreTrainedTokenizerFast
except ImportError as error:
    raise OptionalDependencyError(
        f"bytepiece.huggingface needs transformers ({error}): pip install transformers"
    ) from error

__all__ = ["BytePieceTokenizer"]

Texts = tuple[str, ...]
"""A text, or a pair of texts."""

_PROBES = ("a", "b")


class BytePieceTokenizer(PreTrainedTokenizerFast):  # type: ignore[misc]
    """A fast tokenizer of ``transformers`` that segments with this library.

    It is what ``AutoTokenizer`` makes of a folder that `bytepiece.exchange.to_huggingface` wrote, once
    ``bytepiece.huggingface`` is imported, and does all that ``PreTrainedTokenizerFast`` does with such a folder, with
    the same ids, masks and offsets. Batches are divided among all processors, unless the environment variable
    ``TOKENIZERS_PARALLELISM`` is ``false``. A lone surrogate counts as U+FFFD.

    *What is slower.* ``tokenizers`` does the work, with the same result, for words that were split before
    (``is_split_into_words``), and for all texts once a token was added that takes the white space around it or stands
    for whole words only (``lstrip``, ``rstrip``, ``single_word``). It also makes what only a
    ``tokenizers.Encoding`` knows (``word_ids()``, ``char_to_token()``, ``encodings``), when that is first asked for.

    *Special tokens.* As long as there are only the reserved ones, their names in a text are text. Once one is added,
    all are found, unless ``special_tokens_as_text=True`` was asked for. ``split_special_tokens = True``, set later,
    leaves them text, too.

    *Words.* To ``tokenizers`` a word is what its pre-tokenizer cuts, here a segment: ``word_ids()`` counts the lines of
    a text, unless the text was split into words before.

    Thread safety: any number of threads can encode and decode; nothing that does changes it. Adding tokens does.

    >>> from bytepiece import Model
    >>> tokenizer = BytePieceTokenizer.from_model(Model.from_counts({"he": 20, "llo": 30}))
    >>> tokenizer(["hello", "he"], padding=True)["input_ids"]
    [[259, 260], [259, 0]]
    """

    split_special_tokens: bool

    def __init__(self, *args: Any, **options: Any) -> None:
        # tokenizers reads numbers with a wrong last bit that it wrote itself, so the model comes from the file.
        model, path = options.pop("model", None), options.get("tokenizer_file")
        if model is None and path is not None and options.get("tokenizer_object") is None:
            with open(path, encoding="utf-8") as file:
                model = model_of_document(json.load(file))
        self.__dict__["_model"] = model
        super().__init__(*args, **options)

    @classmethod
    def convert_to_native_format(cls, **options: Any) -> dict[str, Any]:
        """Nothing to convert: ``__init__`` reads ``tokenizer.json``."""
        return options

    @classmethod
    def from_model(cls, model: Model, *, special_tokens_as_text: bool = False, **options: Any) -> BytePieceTokenizer:
        """Make one of a model.

        Args:
            model: the model.
            special_tokens_as_text: see `bytepiece.exchange.to_huggingface`.
            options: those of ``PreTrainedTokenizerFast``, such as ``model_max_length`` and ``chat_template``.

        Raises `ExportError` as `bytepiece.exchange.to_huggingface` does.
        """
        config = tokenizer_config(model, special_tokens_as_text)
        del config["tokenizer_class"]
        added = config["added_tokens_decoder"].items()
        config["added_tokens_decoder"] = {int(id): tokenizers.AddedToken(**token) for id, token in added}
        backend = tokenizers.Tokenizer.from_str(tokenizer_json(model, special_tokens_as_text))
        return cls(model=model, tokenizer_object=backend, **{**config, **options})

    def train_new_from_iterator(
        self,
        text_iterator: Iterable[Iterable[str]],
        vocab_size: int,
        length: int | None = None,
        new_special_tokens: Iterable[Any] | None = None,
        special_tokens_map: Mapping[str, str] | None = None,
        **options: Any,
    ) -> BytePieceTokenizer:
        """Train a model, and make a tokenizer of it that has the special tokens of this one.

        Args:
            text_iterator: batches of texts. What can be iterated only once is kept in memory.
            vocab_size: of the model.
            length: has no effect.
            new_special_tokens: further ones, ``str`` or ``AddedToken``.
            special_tokens_map: new names of special tokens.
            options: those of `bytepiece.Trainer`.

        Raises what `bytepiece.Trainer` raises.
        """
        renamed = dict(special_tokens_map or {})
        names = [str(token) for _, token in sorted(self.added_tokens_decoder.items()) if token.special]
        names = [renamed.get(name, name) for name in names] + [str(token) for token in new_special_tokens or ()]
        names = [name for name in dict.fromkeys(names) if name not in RESERVED_TOKENS]
        trainer = Trainer(
            **{"normalization": self.model.normalization, **options}, vocab_size=vocab_size, special_tokens=names
        )
        batches = [*text_iterator] if iter(text_iterator) is text_iterator else text_iterator
        trainer.train(_Texts(batches), progress=False)
        (model,) = trainer.models.values()
        named = {
            name: [renamed.get(each, each) for each in token] if isinstance(token, list) else renamed.get(token, token)
            for name, token in self.special_tokens_map.items()
        }
        return self.from_model(
            model,
            special_tokens_as_text=self._is_strict,
            chat_template=self.chat_template,
            model_max_length=self.model_max_length,
            **named,
        )

    @property
    def model(self) -> Model:
        """The model, without the tokens that were added to it.

        Raises `ImportModelError` if the backend is none that `bytepiece.exchange.to_huggingface` writes.
        """
        if self._model is None:
            self.__dict__["_model"] = model_of_document(json.loads(self._tokenizer.to_str()))
        return self._model  # type: ignore[no-any-return]

    # What transformers 5 and 4 call to encode.

    if hasattr(PreTrainedTokenizerFast, "_batch_encode_plus"):  # transformers 4

        def _batch_encode_plus(self, batch_text_or_text_pairs: Any, **options: Any) -> BatchEncoding:
            encode = super()._batch_encode_plus

            def ask() -> BatchEncoding:
                return encode(batch_text_or_text_pairs, **options)

            batch = _batch_of(batch_text_or_text_pairs, None)
            if batch is None or not self._encodes(batch, options):
                return ask()
            return self._result(self._columns(batch, options), batch, options, ask)

    else:

        @wraps(PreTrainedTokenizerFast.__call__)
        def __call__(self, text: Any = None, *args: Any, **options: Any) -> BatchEncoding:
            """Encode; for a text alone, the work that only options need is left out."""
            if isinstance(text, str) and not args and not options:
                return self._encode_plus(text)
            return super().__call__(text, *args, **options)

        def _encode_plus(self, text: Any, text_pair: Any = None, **options: Any) -> BatchEncoding:
            encode = super()._encode_plus

            def ask() -> BatchEncoding:
                return encode(text, text_pair, **options)

            batch = _batch_of(text, text_pair)
            if batch is None or not self._encodes(batch, options):
                return ask()
            columns = self._columns(batch, options)
            wants_rows = options.get("return_tensors") or options.get("return_overflowing_tokens")
            if isinstance(text, str) and not wants_rows:
                columns = {name: rows if name == "length" else rows[0] for name, rows in columns.items()}
            return self._result(columns, batch, options, ask)

    def _result(
        self, columns: dict[str, Any], batch: list[Texts], options: dict[str, Any], ask: Callable[[], BatchEncoding]
    ) -> BatchEncoding:
        """A result that asks ``tokenizers`` for what only that knows."""
        tensors, n_sequences = options.get("return_tensors"), len(batch[0]) if batch else 1
        return BatchEncoding(columns, _Encodings(ask), tensor_type=tensors, n_sequences=n_sequences)

    def _encodes(self, batch: list[Texts], options: dict[str, Any]) -> bool:
        """Whether these texts are encoded here, and not by ``tokenizers``."""
        elsewhere = options.get("is_split_into_words") or options.get("sanitize_control_tokens")
        return not elsewhere and self._inside.knows(chain.from_iterable(batch))

    def _columns(self, batch: list[Texts], options: dict[str, Any]) -> dict[str, list[Any]]:
        """The columns of a result, each with its rows."""
        split_special_tokens = options.get("split_special_tokens")
        if split_special_tokens is None:
            split_special_tokens = self.split_special_tokens
        found = iter(self._inside.encode([*chain.from_iterable(batch)], split_special_tokens))
        ids = [[next(found) for _ in texts] for texts in batch]
        rows = self._rows(ids, options)
        columns: dict[str, list[Any]] = {"input_ids": [row.column(_ids_of(ids[row.sample])) for row in rows]}
        names = self.model_input_names
        if _wants(options, "return_token_type_ids", "token_type_ids" in names):
            columns["token_type_ids"] = [row.column(_type_ids) for row in rows]
        if _wants(options, "return_attention_mask", "attention_mask" in names):
            columns["attention_mask"] = [[1] * len(row) for row in columns["input_ids"]]
        if options.get("return_special_tokens_mask"):
            columns["special_tokens_mask"] = [row.column(_special_tokens_mask) for row in rows]
        if options.get("return_offsets_mapping"):
            offsets = [
                [self._inside.offsets(text, found, split_special_tokens) for text, found in zip(*sample, strict=True)]
                for sample in zip(batch, ids, strict=True)
            ]
            columns["offset_mapping"] = [row.column(_offsets_of(offsets[row.sample])) for row in rows]
        if (padding := self._padding(options)) is not None:
            pad(columns, self._fill, padding)
        if options.get("return_length"):
            columns["length"] = [len(row) for row in columns["input_ids"]]
        if options.get("return_overflowing_tokens"):
            columns["overflow_to_sample_mapping"] = [row.sample for row in rows]
        for row in columns["input_ids"]:
            self._eventual_warn_about_too_long_sequence(row, options.get("max_length"), options.get("verbose", True))
        return columns

    def _rows(self, ids: list[list[list[int]]], options: dict[str, Any]) -> list[Row]:
        """The rows of all samples, in which each is truncated and has its special tokens."""
        add_special_tokens = options.get("add_special_tokens", True)
        templates = {n: self._template(n == 2, add_special_tokens) for n in {*map(len, ids)}}
        truncation = self._truncation(options)
        if truncation is None:
            return [Row(k, templates[len(sequences)], whole(map(len, sequences))) for k, sequences in enumerate(ids)]
        rows = []
        for number, sequences in enumerate(ids):
            slots = templates[len(sequences)]
            n_special = sum(slot.sequence is None for slot in slots)
            room = truncation._replace(max_length=truncation.max_length - n_special)
            found = windows([*map(len, sequences)], room)
            n_windows = len(found) if options.get("return_overflowing_tokens") else 1
            rows += [Row(number, slots, window) for window in found[:n_windows]]
        return rows

    def _template(self, pair: bool, add_special_tokens: bool) -> list[Slot]:
        """What the post-processor makes of one or two sequences, found out by letting it."""
        processor = self._tokenizer.post_processor
        if processor is None or not (pair or processor.num_special_tokens_to_add(False)):
            return [Slot(0, 0, 0), Slot(1, 1, 0)][: 1 + pair]
        first, second = self._once(
            "_made_probes", lambda: [self._tokenizer.encode(text, add_special_tokens=False) for text in _PROBES]
        )
        result = processor.process(first, second if pair else None, add_special_tokens)
        return [
            Slot(None if special else int(id != first.ids[0]), type_id, id)
            for special, type_id, id in zip(result.special_tokens_mask, result.type_ids, result.ids, strict=True)
        ]

    def _truncation(self, options: dict[str, Any]) -> Truncation | None:
        strategy = options.get("truncation_strategy", "do_not_truncate")
        strategy = getattr(strategy, "value", strategy)
        if strategy == "do_not_truncate":
            return None
        return Truncation(options["max_length"], strategy, options.get("stride", 0), self.truncation_side == "left")

    def _padding(self, options: dict[str, Any]) -> Padding | None:
        strategy = options.get("padding_strategy", "do_not_pad")
        strategy = getattr(strategy, "value", strategy)
        if strategy == "do_not_pad":
            return None
        length = options.get("max_length") if strategy == "max_length" else None
        side = options.get("padding_side") or self.padding_side
        return Padding(length, options.get("pad_to_multiple_of"), side == "left")

    @property
    def _fill(self) -> dict[str, Any]:
        """What each column is padded with."""
        return {
            "input_ids": self.pad_token_id,
            "token_type_ids": self.pad_token_type_id,
            "attention_mask": 0,
            "special_tokens_mask": 1,
            "offset_mapping": (0, 0),
        }

    def tokenize(
        self, text: str, pair: str | None = None, add_special_tokens: bool = False, **options: Any
    ) -> list[str]:
        """The tokens of a text, as ``tokenizers`` spells them: bytes in GPT-2's alphabet."""
        encoded = self(text, pair, add_special_tokens=add_special_tokens, **options)  # type: ignore[arg-type]
        return self.convert_ids_to_tokens(encoded["input_ids"])  # type: ignore[no-any-return]

    def _encode_without_added_tokens(self, text: str) -> list[int]:
        return self._inside.encode_plain(text)

    # Ids to text.

    def _decode(self, token_ids: Any, skip_special_tokens: bool = False, **options: Any) -> str:
        if isinstance(token_ids, dict):
            token_ids = token_ids["input_ids"]
        ids = [token_ids] if isinstance(token_ids, int) else token_ids
        text = self._inside.decode(ids, skip_special_tokens)
        clean_up = options.get("clean_up_tokenization_spaces")
        if self.clean_up_tokenization_spaces if clean_up is None else clean_up:
            text = self.clean_up_tokenization(text)
        return text

    # What is inside.

    @property
    def _inside(self) -> Inside:
        if (inside := self.__dict__.get("_made_inside")) is None:
            encoder = self._once("_made_encoder", lambda: Encoder(self.model))
            inside = self.__dict__["_made_inside"] = Inside(self.model, encoder, self.added_tokens_decoder)
        return inside

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        """What is made when first needed."""
        if (made := self.__dict__.get(name)) is None:
            made = self.__dict__[name] = make()
        return made

    def _add_tokens(self, new_tokens: Any, special_tokens: bool = False) -> int:
        is_strict = self._is_strict
        n_added = super()._add_tokens(new_tokens, special_tokens=special_tokens)
        self.__dict__.pop("_made_inside", None)
        # The first one is found in text, as users of transformers expect.
        if self.split_special_tokens and not is_strict and self._has_special_tokens:
            self.split_special_tokens = False
        return n_added  # type: ignore[no-any-return]

    @property
    def _is_strict(self) -> bool:
        """Whether special tokens stay text because that was asked for, and not only because there are none to find."""
        asked_for = self.init_kwargs.get("special_tokens_as_text", False)
        return bool(self.split_special_tokens and (asked_for or self._has_special_tokens))

    @property
    def _has_special_tokens(self) -> bool:
        """Whether there are special tokens beside the reserved ones, of the model or added."""
        added = {str(token) for token in self.added_tokens_decoder.values() if token.special}
        return not added | {*self.model.special_tokens} <= {*RESERVED_TOKENS}

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if not name.startswith("_made_")}

    def _save_pretrained(
        self, save_directory: Any, file_names: tuple[str, ...], legacy_format: Any = None, filename_prefix: Any = None
    ) -> tuple[str, ...]:
        path = os.path.join(save_directory, (f"{filename_prefix}-" if filename_prefix else "") + TOKENIZER)
        text = with_vocabulary(json.loads(self._tokenizer.to_str()), self.model)
        with atomic_writer(path) as file:
            file.write(text.encode())
        return (*file_names, path)


class _Texts:
    """The texts of batches, as often as they are asked for."""

    def __init__(self, batches: Iterable[Iterable[str]]) -> None:
        self._batches = batches

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self._batches)


class _Encodings(Sequence[Any]):
    """The ``tokenizers.Encoding`` of each row, made when first asked for.

    Args:
        encode: gives a result that has them.
    """

    def __init__(self, encode: Callable[[], BatchEncoding]) -> None:
        self._encode = encode

    @cached_property
    def _made(self) -> list[Any]:
        return [*self._encode().encodings]

    def __getitem__(self, number: Any) -> Any:
        return self._made[number]

    def __len__(self) -> int:
        return len(self._made)

    def __reduce__(self) -> tuple[type[list[Any]], tuple[list[Any]]]:
        return list, (self._made,)


def _batch_of(text: Any, pair: Any) -> list[Texts] | None:
    """Texts, or pairs of texts, from what a tokenizer is called with; None if it is something else."""
    if isinstance(text, str):
        return [(text, pair)] if pair and isinstance(pair, str) else [(text,)] if not pair else None
    if not isinstance(text, list | tuple):
        return None
    if pair is not None:
        if isinstance(pair, str) or len(pair) != len(text):
            return None
        text = [*zip(text, pair, strict=True)]
    batch = [(one,) if isinstance(one, str) else tuple(one) if _is_pair(one) else None for one in text]
    return None if None in batch else batch  # type: ignore[return-value]


def _is_pair(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(text, str) for text in value)


def _wants(options: dict[str, Any], name: str, default: bool) -> bool:
    value = options.get(name)
    return default if value is None else bool(value)


# What a slot of a row has in each column.


def _ids_of(sequences: list[list[int]]) -> Callable[[Slot, int, int], list[int]]:
    def ids(slot: Slot, begin: int, end: int) -> list[int]:
        if slot.sequence is None:
            return [slot.id]
        sequence = sequences[slot.sequence]
        return sequence if end - begin == len(sequence) else sequence[begin:end]  # no copy of a whole one

    return ids


def _offsets_of(sequences: list[list[tuple[int, int]]]) -> Callable[[Slot, int, int], list[tuple[int, int]]]:
    def offsets(slot: Slot, begin: int, end: int) -> list[tuple[int, int]]:
        return [(0, 0)] if slot.sequence is None else sequences[slot.sequence][begin:end]

    return offsets


def _type_ids(slot: Slot, begin: int, end: int) -> list[int]:
    return [slot.type_id] * (end - begin)


def _special_tokens_mask(slot: Slot, begin: int, end: int) -> list[int]:
    return [int(slot.sequence is None)] * (end - begin)


class _Config(PretrainedConfig):  # type: ignore[misc]
    """What ``AutoTokenizer`` registers a class with. Folders name the class itself, so it stays unused."""

    model_type = "bytepiece"


AutoTokenizer.register(_Config, fast_tokenizer_class=BytePieceTokenizer, exist_ok=True)
