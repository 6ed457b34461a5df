"""Where fuzzing begins: a few inputs for each target, and those that once found a defect, in the folder ``found``."""

import gzip
import json
import lzma
import random
from pathlib import Path

from bytepiece import Model
from bytepiece.exchange import to_huggingface, to_sentencepiece
from fuzz.readers import FOLDER, TEXTS, counts_of
from helpers.counts import run_of
from helpers.trainers import plain_trainer
from helpers.vocabularies import BYTE_COUNTS

FOUND = Path(__file__).parent / "found"


def block(kind: str, counts: dict) -> bytes:
    """Counts as `fuzz.readers.counts_of` reads them."""
    content = b"".join(array.tobytes() for array in run_of(kind, counts).arrays)
    return bytes([len(counts), len(content) & 255, len(content) >> 8]) + content


def model_files() -> dict[str, list[bytes]]:
    """A model in all formats."""
    model = Model.from_counts(BYTE_COUNTS | {b"ab": 3, "你".encode(): 2, b"\t\\": 1}, {"order": 6}, ["<a>"])
    plain = Model.from_counts({"ab": 3, "b": 2})
    model.save(FOLDER / "seed")
    plain.save(FOLDER / "seed.json", format="json")
    to_huggingface(plain, FOLDER / "seed.hf")
    to_sentencepiece(plain, FOLDER / "seed.sp", force=True)
    body = (FOLDER / "seed").read_bytes()
    body = body[: body.rindex(b"sha256")]
    tokenizer = (FOLDER / "seed.hf" / "tokenizer.json").read_bytes()
    small = json.dumps(json.loads(tokenizer), separators=(",", ":")).encode()
    header = (
        b'bytepiece-model 1\nsettings: {"normalization": "nfc"}\nspecial-tokens: ["<pad>", "<bos>", "<eos>", "x"]\n'
    )
    return {
        "native": [b"\0" + body, b"\2" + header + b"ab\t3\n\\xe4\\n\\\\\t9223372036854775000\n"],
        "json": [(FOLDER / "seed.json").read_bytes()],
        "rows": [b"ab\t3\n\\xe4\\n\\\\\t9223372036854775000\n", (FOLDER / "seed.json").read_bytes()[:200]],
        "other": [small, (FOLDER / "seed.sp").read_bytes(), b"clock\t5\nt\\x00\\n\t3\n"],
    }


def checkpoint() -> bytes:
    """A checkpoint of the training that the target goes on with."""
    folder = FOLDER / "seed-checkpoint"
    plain_trainer(order=4, vocab_size=270).train(TEXTS, 1, checkpoint=folder, progress=False)
    return (folder / "checkpoint.json").read_bytes() + b"\0\0" + block("ngrams", {0x6100000000000001: 3})


def seeds() -> dict[str, list[bytes]]:
    """The inputs of each target."""
    ngrams = b"\0" + block("ngrams", {0x6162000000000002: 5, 0x6261000000000002: 4, 0x6362610000000003: 2})
    pieces = b"\1" + block("pieces", {b"a": 3, b"ab": 4}) + block("pieces", {b"boat": 7, b"clock": 9})
    assert counts_of(pieces)[0] == "pieces"
    lines = b'{"text": "one"}\n{"text": "\\u00e9\\ud83d\\ude00"}\n'
    made = model_files() | {
        "counts": [ngrams, pieces],
        "raw_counts": [b'bytepiece-counts 1\n{"kind": "ngrams", "settings": {"order": 6}}\n' + bytes(20)],
        "checkpoint": [checkpoint()],
        "corpus": [
            b"\0a\nb\r\n\xef\xbb\xbf",
            b"\1" + lines,
            b"\2" + gzip.compress(b"one\n") * 2,
            b"\3" + lzma.compress(lines),
        ],
        "shards": [
            b"\0\0\0" + b"0,3\n3,5\n\0" + bytes([3, 1, 13, 0, 2, 0, 100, 0, 2, 0]),
            b'{"totals": null}\0{"documents": 1, "end": {"span": 0, "position": 3, "number": 1}}\0[]\0'
            + b"0,1\n\0\2\0",
            b"\0\0\0\0\1\0",
        ],
        "normal_form": [bytes(range(60)), b"\x80" + "e\u0301\u0323\uac01\u11c2".encode()],
        "words": [bytes(range(60)), b"a\xff", "don't 你好\n".encode()],
        "segments": [bytes(range(60)), b"\xc3" + bytes(range(40)), b"\x15" + b"\4" * 30],
        "decimal": [b"7 12\n\n300\t4294967295\n", b"4294967296\n", b"01 \r\x0b2\n9999 10000 x"],
        "names": [b"<a>|<a|<ab>||x<ab><a><a", b"a|ab|abcdefg||abcdefabcdefgab", "你好|你||你你好".encode()],
        "strings": [b"b|a||ab|a|abcdefgh|abcdefghi", b"|" * 9, bytes(range(80))],
        "packed_texts": [
            b"\0abcabc|ab||bc\n\nbcabc|a",
            b"\1a\n\nb|ab\ncd|\nb|d\na\n|" * 4,
            b"\2\xe4\xbd\xa0a|" + b"a" * 90 + b"|aaa",
            "\3你é|a\n你|aa|\n".encode() * 3,
        ],
        "ngrams": [b"\5abcabc\nabc\n\nabab", b"\6" + bytes(30)],
        "documents": [
            lines + b' {"a": [{}, -0.5e+3, "\\\\"], "text": "b", "\\u0074ext": "\\n"}\r\n\r\n',
            '{"text": "漢字 é 🙂 and so on", "b": {"c": [true, false, null]}}\n{"text": "\\ud83d"}'.encode(),
        ],
        "ids": [bytes(range(256)), b"\xf1\xf2\xf3\xf4\xf5\xf6\xf7" * 4],
        "encode": [bytes(range(200)), b"\1" * 400, b"\2\3\1abc\4abcd\5" * 40],
        "text": [b"\0\3abcab\n\nbc<a>aa" * 3, b"\4\5" + "你é한e\u0301".encode() * 4, b"\2\7" + bytes(range(128, 256))],
        "sample": [bytes(range(100)), b"\2\3\1abc\4abcd\5" * 20],
        # The last has so many pieces that refinement drops some.
        "training": [bytes(range(250)), b"\1\0\5\5\3" + b"abab cab a\n" * 20, random.Random(1).randbytes(400)],
    }
    for name in made:
        made[name] += [path.read_bytes() for path in sorted((FOUND / name).glob("*"))]
    return made
