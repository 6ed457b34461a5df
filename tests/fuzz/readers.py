"""Targets that read files: whatever the bytes, there is a value or the error of the package that is promised.

Checksums are set right, so that what is behind them is reached.
"""

import os
import struct
import tempfile
import zlib
from contextlib import suppress
from pathlib import Path

from bytepiece import CheckpointError, Corpus, CorpusError, ImportModelError, Model, ModelFormatError, TrainingError
from bytepiece.analysis.inspection import inspect_model
from bytepiece.analysis.tables import report_as_text
from bytepiece.errors import CountsFormatError
from bytepiece.exchange import import_model
from bytepiece.model import json_format
from bytepiece.model.rows import read_entries
from bytepiece.text.display import escape_piece
from bytepiece.training.counting.parts import merge_counts
from bytepiece.training.refinement.sample_file import merge_samples
from helpers.model_files import sign
from helpers.trainers import plain_trainer
from helpers.vocabularies import BYTES

FOLDER = Path(tempfile.mkdtemp(prefix="bytepiece-fuzz-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
ALL_BYTES = b"".join(escape_piece(piece).encode() + b"\t1\n" for piece in BYTES)
TEXTS = ["a clock and a boat\n", "a boat and a clock"] * 3


def written(name: str, data: bytes) -> Path:
    path = FOLDER / name
    path.write_bytes(data)
    return path


def use(model: Model) -> None:
    """What is done with any model that was read."""
    path = FOLDER / "again"
    model.save(path)
    assert Model.load(path) == model
    assert model.settings == model.settings
    report_as_text(inspect_model(model)).encode()


def native(data: bytes) -> None:
    """A file of this project's own format; with all bytes among the pieces if bit 1 of the first byte is set."""
    flags, body = data[:1] or b"\0", data[1:]
    if flags[0] & 2:
        *header, rows = body.split(b"\n", 3) if body.count(b"\n") >= 3 else [body, b"settings: {}", b"", b""]
        size = b"pieces: %d" % (256 + rows.count(b"\n"))
        body = b"\n".join([b"bytepiece-model 1", *header[1:3], size, ALL_BYTES + rows])
    path = written("native", body if flags[0] & 1 else sign(body))
    with suppress(ModelFormatError, ImportModelError):
        use(Model.load(path))


def json(data: bytes) -> None:
    """BytePiece's JSON; the kernel reads what Python reads."""
    path = written("json", data)
    with suppress(ModelFormatError, ImportModelError):
        use(Model.load(path))
    with suppress(UnicodeDecodeError):
        data.decode()
        fast = read_entries(data, 3)
        # A repeated piece is refused where the model is made.
        if fast is not None and len(set(fast.to_list())) == len(fast):
            slow = json_format._read_any_json(data)
            assert (fast.to_list(), fast.counts.tolist()) == (slow.to_list(), slow.counts.tolist())


def other(data: bytes) -> None:
    """A model of any other kind: tokenizer.json, SentencePiece, counted words."""
    with suppress(ImportModelError, ModelFormatError):
        use(import_model(written("other", data)))


def signed_counts(kind: str, header: bytes, blocks: list[tuple[int, bytes]]) -> bytes:
    """A file of counts with checksums that hold."""
    data = b"bytepiece-counts 1\n" + header + b"\n"
    checksum = zlib.crc32(data)
    for n_items, block in [*blocks, (0, b"")]:
        head = struct.pack("<QQ", n_items, len(block))
        checksum = zlib.crc32(block, zlib.crc32(head, checksum))
        data += head + block + struct.pack("<I", checksum)
    return data


def counts_of(data: bytes) -> tuple[str, list[tuple[int, bytes]]]:
    """Counts in blocks: a byte says how many items, two how many bytes, which follow."""
    kind = "pieces" if data[:1] and data[0] & 1 else "ngrams"
    blocks, data = [], data[1:]
    while len(data) >= 3 and len(blocks) < 4:
        n_items, n_bytes = data[0], data[1] | data[2] << 8
        blocks.append((n_items, data[3 : 3 + n_bytes]))
        data = data[3 + n_bytes :]
    return kind, blocks


def counts(data: bytes) -> None:
    """Files of counts: merged, and trained on."""
    kind, blocks = counts_of(data)
    trainer = plain_trainer(order=4, vocab_size=270)
    settings = trainer._counting_settings[kind] | ({"min_count": 2} if kind == "pieces" else {})
    header = repr({"kind": kind, "settings": settings}).replace("'", '"').replace("None", "null")
    header = header.replace("True", "true").replace("False", "false")
    path = written("counts", signed_counts(kind, header.encode(), blocks))
    with suppress(CountsFormatError):
        merge_counts([path, path], FOLDER / "merged")
    with suppress(CorpusError, CountsFormatError, TrainingError, ModelFormatError):  # the first, if nothing was counted
        trainer.train(TEXTS, 1, from_counts=[path], progress=False)


def raw_counts(data: bytes) -> None:
    """The same with any header, and any bytes behind it."""
    path = written("counts", data)
    for merge in (merge_counts, merge_samples):
        with suppress(CountsFormatError):
            merge([path, path], FOLDER / "merged")


def checkpoint(data: bytes) -> None:
    """A checkpoint: its manifest, a zero byte, and the counts of the first part."""
    manifest, _, rest = data.partition(b"\0")
    folder = FOLDER / "checkpoint"
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    (folder / "checkpoint.json").write_bytes(manifest)
    kind, blocks = counts_of(rest)
    (folder / f"{kind}-00000.counts").write_bytes(signed_counts(kind, b'{"kind": "%s"}' % kind.encode(), blocks))
    with suppress(CheckpointError, CountsFormatError, FileNotFoundError):
        plain_trainer(order=4, vocab_size=270).train(TEXTS, 1, checkpoint=folder, progress=False)


def corpus(data: bytes) -> None:
    """A file of lines, of JSON lines, or packed; the first byte says which."""
    endings = [".txt", ".jsonl", ".txt.gz", ".jsonl.xz"]
    path = written("corpus" + endings[data[0] % 4 if data else 0], data[1:])
    with suppress(CorpusError):
        for document in Corpus(path, on_error="stop"):
            document.encode()
    skipping = Corpus(path, on_error="skip")
    documents = list(skipping)
    assert all(isinstance(document, str) for document in documents)


TARGETS = {
    "native": native,
    "json": json,
    "other": other,
    "counts": counts,
    "raw_counts": raw_counts,
    "checkpoint": checkpoint,
    "corpus": corpus,
}
