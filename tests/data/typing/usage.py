"""A user's script. `mypy --strict` must refuse the lines that say so, for that reason, and no other."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bytepiece import (
    BytePieceError,
    Column,
    Corpus,
    DisallowedSpecialError,
    Encoding,
    Model,
    StreamDecoder,
    Tokenizer,
    Trainer,
    convert_to_bytepiece,
)
from bytepiece.analysis.comparison import compare_models
from bytepiece.analysis.inspection import inspect_model
from bytepiece.exchange import from_huggingface, sentencepiece_problems, to_huggingface

# Training.
trainer = Trainer(vocab_size=[8000, 16000], normalization="nfc", special_tokens=["<a>"])
trainer.train(["a text"], workers=2, memory_limit="2G", checkpoint="folder")
trainer.train(Corpus("a.txt"), progress=False)
trainer.train(Column([{"text": "a"}], "text"))
trainer.save("my.model", format="json")
models: dict[int, Model] = trainer.models
seconds: float = trainer.report["seconds"]
Trainer(order="6")  # error: arg-type
Trainer(special_tokens=[b"<a>"])  # error: list-item
Trainer(8, max_vocab_size=8000, min_count=None)
trainer = Trainer.bytepiece063(max_vocab_size=8000)
Trainer(vocabulary=8000)  # error: call-arg
trainer.train([b"bytes"])  # error: list-item
trainer.train(7)  # error: arg-type
trainer.train(["a"], workers=None)
trainer.train(["a"], workers="2")  # error: arg-type
trainer.models = {}  # error: misc
Corpus(["a.txt"], text_field=None)  # error: arg-type

# Models.
model = Model.from_counts({"piece": 5}).with_special_tokens(["<a>", "<b>"])
pieces: list[bytes] = model.pieces
counts: list[int] = model.counts
special: dict[str, int] = model.special_tokens
same: bool = model == Model.load("my.model")
texts: list[str] = model.pieces  # error: assignment
Model(["piece"], [1])  # error: list-item
Model.from_counts({5: 5})  # error: arg-type
Model.from_counts({"piece": "5"})  # error: arg-type
model.with_special_tokens([5])  # error: list-item
model.normalization = "nfc"  # error: misc
model.save(5)  # error: arg-type

# Encoding.
tokenizer = Tokenizer(model)
ids: list[int] = tokenizer.encode("text", add_bos=True, allowed_special={"<a>"}, disallowed_special="all")
ids = tokenizer.encode(b"bytes", alpha=0.2, seed=np.random.default_rng(7), errors="replace")
later: Iterator[int] = tokenizer.encode("text", iter=True)
found: list[bytes] = tokenizer.tokenize("text", 0.2, 7)
ids = tokenizer.encode_ordinary("text")
ids = tokenizer.encode_segments([("<a>", "all"), (b"text", ()), ("<b>", frozenset(["<b>"]))])
many: list[list[int]] = tokenizer.encode_batch(["a", b"b"], workers=2)
array: NDArray[np.uint32] = tokenizer.encode_to_numpy("text")
array, offsets = tokenizer.encode_batch_to_numpy(["a", "b"])
encoding: Encoding = tokenizer.encode_with_offsets("text")
ids, byte_offsets, char_offsets = encoding
spans: NDArray[np.int64] = char_offsets
later = tokenizer.encode_stream(["te", b"xt"])
best: list[tuple[list[int], float]] = tokenizer.nbest("text", 5)
number: float = tokenizer.score(ids) + tokenizer.log_partition("text", 0.5) + tokenizer.entropy("text")
size: int = tokenizer.count("text") + tokenizer.vocab_size
Tokenizer(5)  # error: arg-type
tokenizer.encode(5)  # error: call-overload
tokenizer.encode(None)  # error: call-overload
tokenizer.encode(["a", "b"])  # error: call-overload
tokenizer.encode("text", alpha="0.2")  # error: call-overload
tokenizer.encode("text", seed="7")  # error: call-overload
tokenizer.encode("text", allowed_special=5)  # error: call-overload
tokenizer.encode("text", allowed_special="<a>")  # error: call-overload
tokenizer.encode("text", allow_special="all")  # error: call-overload
ids = tokenizer.encode("text", iter=True)  # error: assignment
names: list[str] = tokenizer.tokenize("text")  # error: assignment
tokenizer.encode_batch([1, 2])  # error: list-item
tokenizer.encode_batch("a", workers="2")  # error: arg-type
tokenizer.encode_stream([5])  # error: list-item
tokenizer.encode_segments(["text"])  # error: list-item
tokenizer.nbest("text")  # error: call-arg
tokenizer.vocab_size = 5  # error: misc

# Decoding.
text: str = tokenizer.decode(ids, errors="strict", skip_special_tokens=False)
text = tokenizer.decode(array.tolist())
data: bytes = tokenizer.decode_bytes(range(5))
text, places = tokenizer.decode_with_offsets(ids)
decoder = StreamDecoder(tokenizer)
text = decoder.feed(5) + decoder.flush()
piece: bytes | str = tokenizer.id_to_piece(5)
one: int = tokenizer.piece_to_id(b"piece")
tokenizer.decode("text")  # error: arg-type
tokenizer.decode(5)  # error: arg-type
data = tokenizer.decode(ids)  # error: assignment
data = tokenizer.id_to_piece(5)  # error: assignment
tokenizer.piece_to_id(5)  # error: arg-type
StreamDecoder(model)  # error: arg-type
decoder.feed("5")  # error: arg-type

# Other tokenizers, and errors.
convert_to_bytepiece({"word": 5}, "my.json")
to_huggingface(from_huggingface("folder"), "other", special_tokens_as_text=True)
reasons: list[str] = [problem.reason for problem in sentencepiece_problems(model)]
sizes: int = inspect_model(model)["ids"] + len(compare_models(model, model, ["text"]))
try:
    tokenizer.encode("text")
except DisallowedSpecialError as error:
    position: int = error.position
except BytePieceError as error:
    text = error.name  # error: attr-defined
to_huggingface("my.model", "folder")  # error: arg-type
compare_models(model, tokenizer)  # error: arg-type
