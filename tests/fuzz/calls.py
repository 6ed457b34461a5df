"""Targets that encode: a vocabulary, a text and a call, made of bytes; all ways of encoding agree with each other."""

from functools import lru_cache

from bytepiece import Model, StreamDecoder, Tokenizer
from bytepiece.reference import Segmenter, train, uniforms
from helpers.trainers import plain_trainer
from helpers.vocabularies import BYTES

ALPHABETS = [b"ab", b"a\n", b"\x00\xff", "你é".encode(), "e\u0301ÅA\u030a한".encode(), b"ab \n.\xe4\xbd\xa0", b" 1a'\n"]


class Bytes:
    """Decisions, one after the other, made of the bytes of the fuzzer."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def number(self, most: int) -> int:
        byte, self.data = self.data[:1] or b"\0", self.data[1:]
        return byte[0] % (most + 1)

    def string(self, length: int) -> bytes:
        taken, self.data = self.data[:length], self.data[length:]
        return taken

    def letters(self, alphabet: bytes, length: int) -> bytes:
        return bytes(alphabet[byte % len(alphabet)] for byte in self.string(length))


@lru_cache(256)
def vocabulary(data: bytes, alphabet: bytes, normalization: str | None = None) -> tuple[Tokenizer, Segmenter]:
    """Up to some forty pieces over few letters, and all bytes. Made once, as most mutations are of the text."""
    source, counts = Bytes(data), dict.fromkeys(BYTES, 1)
    while source.data:
        piece = source.letters(alphabet, 2 + source.number(9))
        if piece:
            counts[piece] = 1 << source.number(40)
    model = Model.from_counts(counts, {"normalization": normalization}, ["<a>", "aa"])
    return Tokenizer(model), Segmenter(counts)


def encode(data: bytes) -> None:
    """One vocabulary and one text, which is cut in all ways."""
    source = Bytes(data)
    alphabet = ALPHABETS[source.number(len(ALPHABETS) - 1)]
    cut, few, nfc = source.number(50), source.number(1), source.number(1)
    tokenizer, segmenter = vocabulary(source.string(source.number(255)), alphabet, "nfc" if nfc else None)
    text = source.letters(alphabet, 300) if few else source.string(300)
    ids = tokenizer.encode(text)
    if not nfc:
        assert [tokenizer.id_to_piece(id) for id in ids] == segmenter.tokenize(text)
        assert tokenizer.decode_bytes(ids) == text
        decoder = StreamDecoder(tokenizer)
        assert "".join([decoder.feed(id) for id in ids]) + decoder.flush() == text.decode(errors="replace")
    assert tokenizer.encode_to_numpy(text, 2).tolist() == ids
    assert tokenizer.encode_batch([text, b"", text], 2) == [ids, [], ids]
    assert tokenizer.count(text) == len(ids)
    assert [*tokenizer.encode(text, iter=True)] == ids
    assert [*tokenizer.encode_stream([text[:cut], text[cut : 2 * cut], text[2 * cut :]])] == ids
    encoding = tokenizer.encode_with_offsets(text)
    assert encoding.ids == ids
    if not nfc:
        assert b"".join(text[begin:end] for begin, end in encoding.byte_offsets.tolist()) == text
    best = tokenizer.nbest(text[:60], 3)
    assert best[0][0] == tokenizer.encode(text[:60])
    assert tokenizer.encode(text[:60], alpha=0.5, seed=cut) == tokenizer.encode(text[:60], alpha=0.5, seed=cut)
    assert tokenizer.entropy(text[:60]) > -1e-9
    try:
        string = text.decode()
    except UnicodeDecodeError:
        return
    assert tokenizer.encode(string) == ids
    assert tokenizer.count(string) == len(ids)
    assert [*tokenizer.encode_stream([string[:cut], string[cut:]])] == ids
    assert tokenizer.encode_with_offsets(string).ids == ids
    marked = tokenizer.encode(string, allowed_special="all")
    assert marked == tokenizer.encode_with_offsets(string, allowed_special="all").ids
    assert len(marked) == tokenizer.count(string, allowed_special="all")


TOKENIZERS = [
    Tokenizer(Model.from_counts(dict.fromkeys(BYTES, 1) | counts, {"normalization": normalization}, ["<a>", "aa"]))
    for normalization in (None, "nfc")
    for counts in (
        {b"ab": 3, b"abc": 2, b"bc": 9, b"a\n": 2, b"\n\n": 5, b"bcabc": 1},
        {"你": 3, "你é": 2, "é": 1, "\u0301": 5, "e\u0301": 4, "한": 2},
        {b"\xe4\xbd": 3, b"\x80\x80": 2, b"\xff\xfe\xff": 9, b"a" * 40: 2},
    )
]


def text(data: bytes) -> None:
    """A text under vocabularies that are made once: thousands of inputs in a second."""
    source = Bytes(data)
    tokenizer, cut = TOKENIZERS[source.number(len(TOKENIZERS) - 1)], source.number(40)
    data = source.data
    ids = tokenizer.encode(data)
    assert tokenizer.count(data) == len(ids)
    assert [*tokenizer.encode_stream([data[:cut], data[cut:]])] == ids
    assert tokenizer.encode_with_offsets(data).ids == ids
    assert tokenizer.nbest(data[:40], 2)[0][0] == tokenizer.encode(data[:40])
    tokenizer.encode(data, alpha=0.2, seed=cut)
    string = data.decode(errors="replace") if cut % 2 else data.decode("latin-1")
    marked = tokenizer.encode(string, allowed_special="all")
    assert tokenizer.encode(string) == tokenizer.encode(string.encode())
    assert marked == tokenizer.encode_with_offsets(string, allowed_special="all").ids
    assert len(marked) == tokenizer.count(string, allowed_special="all")


def sample(data: bytes) -> None:
    """Draws, and the n best, beside the reference."""
    source = Bytes(data)
    alphabet = ALPHABETS[source.number(len(ALPHABETS) - 1)]
    alpha, seed = source.number(8) / 4, source.number(255)
    tokenizer, segmenter = vocabulary(source.string(source.number(255)), alphabet)
    text = source.letters(alphabet, 60).replace(b"\n", b"a")
    assert tokenizer.tokenize(text, alpha=alpha, seed=seed) == segmenter.sample(text, alpha, uniforms(seed))
    assert abs(tokenizer.log_partition(text, alpha) - segmenter.log_partition(text, alpha)) < 1e-6 * (1 + len(text))
    found = [[tokenizer.id_to_piece(id) for id in ids] for ids, _ in tokenizer.nbest(text, 5)]
    assert found == [pieces for pieces, _ in segmenter.nbest(text, 5)]


def training(data: bytes) -> None:
    """A small corpus: as the reference trains, in two threads and little memory, and refined without a fault."""
    source = Bytes(data)
    words, digits, order = source.number(1), source.number(1), 1 + source.number(6)
    alphabet = ALPHABETS[source.number(len(ALPHABETS) - 1)]
    documents = [source.letters(alphabet, 40).decode(errors="ignore") for _ in range(1 + source.number(6))]
    texts = documents * 2
    if not any(texts):
        return
    settings = {"boundaries": "words" if words else None, "isolate_digits": bool(digits), "min_count": 2}
    trainer = plain_trainer(order, 270, normalization=None, refine_rounds=0, **settings)
    trainer.train(texts, 2, memory_limit="64M", progress=False)
    model = trainer.models[270]
    expected = train(texts, [270], order, isolate_digits=bool(digits), boundaries=settings["boundaries"])[270]
    assert dict(zip(model.pieces, model.counts, strict=True)) == expected
    objective = "likelihood" if source.number(1) else "length"
    refining = plain_trainer(order, 270, normalization=None, refine_rounds=1, refine_objective=objective, **settings)
    refining.train(texts, 1, progress=False)
    assert len(refining.models[270].pieces) <= 267


TARGETS = {"encode": encode, "text": text, "sample": sample, "training": training}
