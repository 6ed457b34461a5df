"""Training, from texts to models."""

import gzip
import json
import random
import unicodedata
from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import (
    Corpus,
    CorpusError,
    CountsFormatError,
    Model,
    ModelFormatError,
    SettingsError,
    Tokenizer,
    Trainer,
    TrainingError,
    reference,
)
from bytepiece.text.normal_form import normalize
from bytepiece.training.min_count import choose_min_count
from bytepiece.training.resources import Resources
from helpers.properties import examples
from helpers.trainers import plain_trainer

DEFAULTS = {
    "order": 6,
    "max_piece_length": 36,
    "min_count": 2,
    "isolate_digits": False,
    "ensure_unicode": True,
    "normalization": None,
}
SETTINGS = st.fixed_dictionaries(
    {
        "order": st.integers(1, 7),
        "max_piece_length": st.integers(1, 12),
        "min_count": st.integers(1, 4),
        "isolate_digits": st.booleans(),
        "ensure_unicode": st.booleans(),
        "normalization": st.sampled_from([None, "nfc"]),
        "boundaries": st.sampled_from([None, "words"]),
    }
)
WORDS = st.text("ab1٣é你🙂 \n\u0301", min_size=1, max_size=8)
CORPORA = st.lists(
    st.lists(st.builds(str.__mul__, WORDS, st.integers(1, 4)), max_size=6).map("".join), min_size=1, max_size=8
).filter(any)


def train(texts, workers=1, **settings):
    """Train, and return the trainer."""
    trainer = plain_trainer(**settings)
    trainer.train(texts, workers=workers, progress=False)
    return trainer


def counts_of(model):
    return list(zip(model.pieces, model.counts, strict=True))


def long_pieces(model):
    return [piece for piece in model.pieces if len(piece) > 1]


@pytest.fixture(scope="module")
def texts():
    """A few thousand words, some of them often, in several scripts, and rare characters."""
    generator = random.Random(0)
    words = ["".join(generator.choices("abcdeé你好🙂12٣ ", k=generator.randint(1, 7))) for _ in range(200)]
    texts = []
    for k in range(120):
        text = " ".join(generator.choices(words, weights=[1 / n for n in range(1, 201)], k=60))
        texts.append(text + chr(0x4E00 + k) + "\n" * (k % 4))
    return texts


@pytest.fixture(scope="module")
def trained(texts):
    return train(texts, vocab_size=[300, 400, 5000])


# What is computed.


@pytest.mark.slow
@given(texts=CORPORA, chosen=SETTINGS, sizes=st.sets(st.integers(259, 320), min_size=1, max_size=3))
def test_models_are_those_of_the_reference(texts, chosen, sizes):
    models = train(texts, vocab_size=sorted(sizes), **chosen).models
    normalization = chosen.pop("normalization")
    expected = reference.train([normalize(text, normalization) for text in texts], sizes, **chosen)
    assert {size: counts_of(model) for size, model in models.items()} == {
        size: list(pieces.items()) for size, pieces in expected.items()
    }


def test_texts_may_be_an_array_of_str(texts):
    assert train(np.array(texts[:20]), vocab_size=300).models == train(texts[:20], vocab_size=300).models


@pytest.mark.slow
def test_models_of_a_larger_corpus_are_those_of_the_reference(texts, trained):
    expected = reference.train(texts, [300, 400, 5000])
    assert {size: counts_of(model) for size, model in trained.models.items()} == {
        size: list(pieces.items()) for size, pieces in expected.items()
    }


@pytest.mark.parametrize("workers", [2, 3, 7])
@pytest.mark.parametrize("batch_bytes", [1, 1000, 2**22])
def test_workers_and_batches_change_nothing(texts, trained, workers, batch_bytes, monkeypatch):
    monkeypatch.setattr(Resources, "batch_bytes", batch_bytes)
    assert train(texts, workers, vocab_size=[300, 400, 5000]).models == trained.models


def test_saved_models_are_byte_for_byte_the_same(texts, trained, tmp_path):
    trained.save(tmp_path / "one")
    train(texts, workers=2, vocab_size=[300, 400, 5000]).save(tmp_path / "two")
    for size in (300, 400, 5000):
        assert (tmp_path / f"one.{size}").read_bytes() == (tmp_path / f"two.{size}").read_bytes()


def test_a_second_training_gives_the_same(texts, trained):
    trainer = train(["something else"], vocab_size=[300, 400, 5000])
    trainer.train(texts, progress=False)
    assert trainer.models == trained.models


def test_the_order_of_texts_changes_nothing(texts, trained):
    assert train(texts[::-1], vocab_size=[300, 400, 5000]).models == trained.models


# What settings promise.


def drawn(test):
    """Run a test with many corpora and settings."""
    return examples(50)(given(texts=CORPORA, chosen=SETTINGS)(test))


@drawn
def test_a_digit_is_in_no_longer_piece(texts, chosen):
    model = train(texts, vocab_size=320, **chosen | {"isolate_digits": True, "ensure_unicode": True}).models[320]
    for text in map(bytes.decode, long_pieces(model)):
        assert len(text) == 1 or not any(map(str.isdecimal, text))


@drawn
def test_longer_pieces_are_whole_characters(texts, chosen):
    model = train(texts, vocab_size=320, **chosen | {"ensure_unicode": True}).models[320]
    for piece in long_pieces(model):
        assert piece.decode().encode() == piece


@drawn
def test_no_piece_is_longer_than_asked_for(texts, chosen):
    model = train(texts, vocab_size=320, **chosen).models[320]
    assert max(map(len, model.pieces)) <= chosen["max_piece_length"]


@drawn
def test_no_vocabulary_is_larger_than_asked_for(texts, chosen):
    assert train(texts, vocab_size=262, **chosen).models[262].vocab_size <= 262


@drawn
def test_text_may_be_normalized_before(texts, chosen):
    normalized = [unicodedata.normalize("NFC", text) for text in texts]
    model = train(texts, vocab_size=320, **chosen | {"normalization": "nfc"}).models[320]
    assert counts_of(model) == counts_of(
        train(normalized, vocab_size=320, **chosen | {"normalization": None}).models[320]
    )


@drawn
def test_counts_cover_the_text(texts, chosen):
    if chosen["normalization"]:
        texts = [unicodedata.normalize("NFC", text) for text in texts]
    data = "".join(texts).encode()
    model = train(texts, vocab_size=320, **chosen).models[320]
    assert sum(len(piece) * count for piece, count in counts_of(model)) >= len(data)


@drawn
def test_text_is_encoded_without_loss(texts, chosen):
    model = train(texts, vocab_size=320, **chosen | {"normalization": None}).models[320]
    tokenizer = Tokenizer(model)
    assert [tokenizer.decode(tokenizer.encode(text)) for text in texts] == texts


def test_without_isolate_digits_pieces_have_digits(texts):
    model = train(texts, vocab_size=5000).models[5000]
    assert any(any(map(str.isdecimal, piece.decode())) for piece in long_pieces(model) if len(piece.decode()) > 1)


def test_without_ensure_unicode_pieces_can_be_parts_of_characters():
    texts = [chr(0x4E00 + k) + chr(0x4E40 - k) for k in range(60)]
    model = train(texts, vocab_size=300, ensure_unicode=False).models[300]
    assert "\ufffd" in "".join(piece.decode(errors="replace") for piece in long_pieces(model))


def test_without_normalization_marks_stay_apart():
    model = train(["e\u0301"] * 9, vocab_size=300).models[300]
    assert long_pieces(model) == ["e\u0301".encode()]


def test_smallest_vocabulary_is_the_single_bytes(texts):
    model = train(texts, vocab_size=259).models[259]
    assert model.pieces == [bytes([byte]) for byte in range(256)]


def test_a_corpus_with_few_pieces_gives_a_smaller_vocabulary():
    model = train(["ab"] * 9, vocab_size=10_000).models[10_000]
    assert model.vocab_size == 3 + 256 + 1


@pytest.mark.parametrize("text", ["a", "\n", "\x00", "🙂"])
def test_a_corpus_of_one_character_is_enough(text):
    assert train([text], vocab_size=300).models[300].vocab_size >= 259


# Models, by size.


def test_models_come_largest_first(trained):
    assert list(trained.models) == [5000, 400, 300]


def test_models_are_a_new_dict_at_each_call(trained):
    trained.models.clear()
    assert list(trained.models) == [5000, 400, 300]


@pytest.mark.parametrize(
    "sizes",
    [(300,), [300, 300], {300}, (size for size in [300]), range(300, 301)],
    ids=lambda sizes: type(sizes).__name__,
)
def test_sizes_come_in_any_iterable(sizes):
    assert list(train(["ab"], vocab_size=sizes).models) == [300]


def test_a_single_size_is_a_model_too():
    assert list(train(["ab"], vocab_size=300).models) == [300]


@pytest.mark.parametrize("size", [300, 400, 5000])
def test_models_know_the_settings(trained, size):
    assert trained.models[size].settings == DEFAULTS | {"vocab_size": size}


@pytest.mark.parametrize(
    "chosen",
    [
        {"order": 3},
        {"max_piece_length": 5},
        {"min_count": 1},
        {"isolate_digits": True},
        {"ensure_unicode": False},
        {"normalization": "nfc"},
    ],
    ids=lambda chosen: next(iter(chosen)),
)
def test_a_setting_is_in_the_model(chosen):
    model = train(["ab"], vocab_size=300, **chosen).models[300]
    assert model.settings == DEFAULTS | {"vocab_size": 300} | chosen


def test_settings_are_in_the_saved_model(tmp_path):
    train(["ab"], vocab_size=300, order=4, normalization="nfc").save(tmp_path / "model")
    assert Model.load(tmp_path / "model").settings == DEFAULTS | {
        "vocab_size": 300,
        "order": 4,
        "normalization": "nfc",
    }


# Special tokens.

NAMES = ["<|im_start|>", "<|im_end|>", "the"]


def test_special_tokens_come_after_the_pieces(texts, trained):
    sizes = [size + len(NAMES) for size in (300, 400, 5000)]
    models = train(texts, vocab_size=sizes, special_tokens=NAMES).models
    assert list(models) == sorted(sizes, reverse=True)
    for size, model in trained.models.items():
        more = models[size + len(NAMES)]
        assert more.settings == model.settings | {"vocab_size": size + len(NAMES)}
        assert more == Model(model.pieces, model.counts, more.settings, NAMES)


def test_with_special_tokens_no_vocabulary_is_larger_than_asked_for(texts):
    for rounds in (0, 1):
        model = train(texts, vocab_size=330, special_tokens=NAMES, refine_rounds=rounds).models[330]
        assert model.vocab_size == 330
        assert [*model.special_tokens][3:] == NAMES


def test_special_tokens_come_in_any_iterable(texts):
    assert train(texts[:9], special_tokens=iter(NAMES)).models == train(texts[:9], special_tokens=NAMES).models


def test_special_tokens_can_be_added_to_counts(texts, trained, tmp_path):
    plain_trainer().count_ngrams(texts, tmp_path / "ngrams", progress=False)
    plain_trainer().count_pieces(texts, [tmp_path / "ngrams"], tmp_path / "pieces", progress=False)
    trainer = plain_trainer(vocab_size=303, special_tokens=NAMES)
    trainer.train(from_counts=[tmp_path / "pieces"], progress=False)
    assert trainer.models[303].special_tokens.keys() >= set(NAMES)
    assert trainer.models[303].pieces == train(texts, vocab_size=300).models[300].pieces


def test_smallest_vocabulary_has_room_for_special_tokens():
    assert train(["aa"], vocab_size=262, special_tokens=NAMES).models[262].vocab_size == 262
    with pytest.raises(SettingsError, match="vocab_size must be 262 "):
        plain_trainer(vocab_size=261, special_tokens=NAMES)


# Saving.


def test_one_size_is_saved_to_the_path(tmp_path):
    trainer = train(["ab"], vocab_size=300)
    trainer.save(tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_several_sizes_are_saved_to_the_path_and_size(trained, tmp_path):
    trained.save(tmp_path / "model")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.300", "model.400", "model.5000"]


def test_each_saved_model_is_that_of_its_size(trained, tmp_path):
    trained.save(str(tmp_path / "model"))
    assert {size: Model.load(tmp_path / f"model.{size}") for size in (300, 400, 5000)} == trained.models


def test_models_can_be_saved_as_json(trained, tmp_path):
    trained.save(tmp_path / "model", format="json")
    rows = json.loads((tmp_path / "model.400").read_bytes())
    assert [row[2] for row in rows.values()] == trained.models[400].counts


@pytest.mark.parametrize("use", [lambda trainer: trainer.models, lambda trainer: trainer.save("model")])
def test_there_are_no_models_before_training(use):
    with pytest.raises(TrainingError, match="not trained"):
        use(plain_trainer())


# Texts.


class Passes:
    """Other texts at each iteration."""

    def __init__(self, *passes):
        self.passes = iter(passes)

    def __iter__(self):
        yield from next(self.passes)


@pytest.mark.parametrize(
    "make",
    [tuple, dict.fromkeys, lambda texts: dict.fromkeys(texts).keys(), lambda texts: Passes(texts, texts)],
    ids=["tuple", "dict", "keys", "object"],
)
def test_texts_come_in_any_iterable_that_starts_anew(make):
    texts = ["one\n", "two\n", "on two"]
    assert train(make(texts), vocab_size=300).models == train(texts, vocab_size=300).models


def test_texts_can_be_a_corpus(texts, trained, tmp_path):
    path = tmp_path / "corpus.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(json.dumps({"text": text}) for text in texts).encode()))
    assert train(Corpus([path]), vocab_size=[300, 400, 5000]).models == trained.models


@pytest.mark.parametrize("make", [iter, lambda texts: (text for text in texts), lambda texts: map(str, texts)])
def test_texts_that_can_be_read_once_are_refused(make):
    with pytest.raises(CorpusError, match="can be read once"):
        train(make(["a", "b"]))


def test_a_generator_is_refused_before_it_is_read():
    read = []
    with pytest.raises(CorpusError):
        train(read.append(k) for k in range(3))
    assert read == []


@pytest.mark.parametrize("texts", ["a text", b"a text", 5], ids=repr)
def test_what_is_no_iterable_of_texts_is_refused(texts):
    with pytest.raises(CorpusError, match=rf"iterable of str, not .*{type(texts).__name__}"):
        train(texts)


@pytest.mark.parametrize("bad", [b"bytes", None, 5, ["a"]], ids=repr)
def test_a_text_that_is_no_str_is_refused_with_its_number(bad):
    with pytest.raises(CorpusError, match=rf"text 1 .*must be str, not {type(bad).__name__}"):
        train(["a", bad, "b"])


@pytest.mark.parametrize("normalization", [None, "nfc"])
def test_a_lone_surrogate_is_refused_with_its_place(normalization):
    with pytest.raises(CorpusError, match=r"text 1 .*U\+DC80 at character 2"):
        train(["a", "bc\udc80"], normalization=normalization)


@pytest.mark.parametrize("texts", [[], [""], ["", ""]], ids=repr)
def test_no_text_is_an_error(texts):
    with pytest.raises(CorpusError, match="no text"):
        train(texts)


@pytest.mark.parametrize(
    "second",
    [[], ["ab\n"], ["ab\n", "cd\n", "ef\n"], ["ab\n", "cx\n"], ["ab\n", "cd"], ["ab\nc", "d\n"]],
    ids=["empty", "fewer", "more", "as long", "shorter", "cut elsewhere"],
)
def test_a_second_pass_over_other_texts_is_an_error(second):
    with pytest.raises(CorpusError, match="not the same in pass 2"):
        train(Passes(["ab\n", "cd\n"], second))


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("failing", [1, 2], ids=["first pass", "second pass"])
def test_an_error_of_the_texts_is_passed_on(workers, failing):
    class Texts:
        passes = count(1)

        def __iter__(self):
            number = next(self.passes)
            yield "ab"
            if number == failing:
                raise OSError("unplugged")

    with pytest.raises(OSError, match="unplugged"):
        train(Texts(), workers)


def test_a_failed_training_leaves_the_models_as_they_were():
    trainer = train(["ab"] * 9, vocab_size=300)
    models = trainer.models
    with pytest.raises(CorpusError):
        trainer.train([""], progress=False)
    assert trainer.models == models


# Settings.


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("order", 0),
        ("order", -1),
        ("order", 8),
        ("order", 6.0),
        ("order", "6"),
        ("order", None),
        ("order", True),
        ("vocab_size", 258),
        ("vocab_size", 0),
        ("vocab_size", -1),
        ("vocab_size", 2**31),
        ("vocab_size", 300.0),
        ("vocab_size", "300"),
        ("vocab_size", None),
        ("vocab_size", True),
        ("vocab_size", []),
        ("vocab_size", [300, 258]),
        ("vocab_size", [300, 400.0]),
        ("vocab_size", [300, "400"]),
        ("vocab_size", [300, None]),
        ("max_piece_length", 0),
        ("max_piece_length", -1),
        ("max_piece_length", 1.5),
        ("max_piece_length", None),
        ("min_count", 0),
        ("min_count", -1),
        ("min_count", 2**63),
        ("min_count", 2.0),
        ("normalization", "nfd"),
        ("normalization", "NFC"),
        ("normalization", ""),
        ("normalization", True),
        ("normalization", ["nfc"]),
    ],
)
def test_a_setting_out_of_range_is_refused_by_its_name(name, value):
    with pytest.raises(SettingsError, match=f"^{name}:? "):
        plain_trainer(**{name: value})


@pytest.mark.parametrize("names", ["<a>", None, [""], [b"<a>"], ["<a>", "<a>"], ["<bos>"], ["\ud800"]])
def test_an_invalid_special_token_is_what_it_is_in_a_model(names):
    with pytest.raises(ModelFormatError) as in_a_model:
        Model.from_counts({}, special_tokens=names)
    with pytest.raises(ModelFormatError) as in_a_training:
        Trainer(special_tokens=names)
    assert str(in_a_training.value) == str(in_a_model.value)


def test_a_settings_error_is_a_value_error():
    with pytest.raises(ValueError, match="order must be 1 to 7, not 9"):
        plain_trainer(order=9)


@pytest.mark.parametrize("workers", [0, -1, 1.0, "2", True, 10**9])
def test_a_wrong_number_of_workers_is_refused(workers):
    with pytest.raises(SettingsError, match=r"^workers "):
        train(["a"], workers)


def test_arguments_of_bytepiece_are_taken():
    """BytePiece has ``train(texts, workers, batch_size)``."""
    trainer = Trainer(6, 300, 36, 2)
    trainer.train(["ab"] * 9, 2, 1000)
    other = Trainer(order=6, max_vocab_size=300, max_piece_length=36, min_count=2)
    other.train(["ab"] * 9)
    assert trainer.models == other.models
    with pytest.raises(SettingsError, match="give one of them"):
        Trainer(vocab_size=300, max_vocab_size=300)


@pytest.mark.parametrize("min_count", [10**6, 2**63 - 1])
def test_a_huge_min_count_leaves_single_bytes(min_count):
    model = train(["ab"] * 9, vocab_size=300, min_count=min_count).models[300]
    assert long_pieces(model) == []


# Progress.


@pytest.fixture
def eager_bars(monkeypatch):
    """Progress bars appear at once, not after a second."""
    monkeypatch.setattr("bytepiece.bars.DELAY", 0)


@pytest.mark.usefixtures("eager_bars")
@pytest.mark.parametrize(("progress", "shown"), [(True, True), (False, False)])
def test_progress_is_shown_unless_it_is_off(progress, shown, capsys):
    plain_trainer(vocab_size=300).train(["ab"] * 9, progress=progress)
    assert ("Counting n-grams" in capsys.readouterr().err) == shown


@pytest.mark.usefixtures("eager_bars")
def test_standard_output_stays_clean(capsys):
    plain_trainer(vocab_size=300).train(["ab"] * 9)
    assert capsys.readouterr().out == ""


def test_a_short_training_shows_nothing(capsys):
    plain_trainer(vocab_size=300).train(["ab"] * 9)
    assert capsys.readouterr().err == ""


# The amount of text decides what is rare.


CHOSEN = {"vocab_size": 320, "min_count": None}


class TestChosenMinCount:
    @pytest.fixture(autouse=True)
    def rule(self, monkeypatch):
        """A rule under which these small texts are large."""
        monkeypatch.setattr("bytepiece.training.source.choose_min_count", lambda n_bytes: n_bytes // 5000)

    @pytest.fixture
    def expected(self, texts):
        min_count = sum(len(text.encode()) for text in texts) // 5000
        assert min_count > 3
        return train(texts, vocab_size=320, min_count=min_count).models[320]

    def test_is_that_of_all_bytes(self, texts, expected):
        trainer = train(texts, 2, **CHOSEN)
        assert trainer.models[320] == expected
        assert trainer.report["min_count"] == expected.settings["min_count"]

    def test_depends_on_no_limit(self, texts, expected, monkeypatch):
        monkeypatch.setattr(Resources, "store_bytes", lambda *_: 0)
        assert train(texts, **CHOSEN).models[320] == expected

    def test_is_the_same_for_parts(self, texts, expected, tmp_path):
        trainer = plain_trainer(**CHOSEN)
        halves = {"a": texts[:50], "b": texts[50:]}
        ngrams = [tmp_path / f"{name}.ngrams" for name in halves]
        pieces = [tmp_path / f"{name}.pieces" for name in halves]
        for part, path in zip(halves.values(), ngrams, strict=True):
            trainer.count_ngrams(part, path, progress=False)
        for part, path in zip(halves.values(), pieces, strict=True):
            trainer.count_pieces(part, ngrams, path, progress=False)
        for needed, counts in ((texts, ngrams), (None, pieces)):
            trainer.train(needed, from_counts=counts, progress=False)
            assert trainer.models[320] == expected

    def test_pieces_of_different_ones_do_not_go_together(self, texts, tmp_path):
        plain_trainer().count_ngrams(texts, tmp_path / "ngrams", progress=False)
        for min_count in (2, 9):
            trainer = plain_trainer(min_count=min_count)
            trainer.count_pieces(texts, [tmp_path / "ngrams"], tmp_path / f"{min_count}", progress=False)
        with pytest.raises(CountsFormatError, match="min_count 9, not 2"):
            plain_trainer(**CHOSEN).train(from_counts=[tmp_path / "2", tmp_path / "9"], progress=False)


def test_the_rule_grows_with_the_text():
    chosen = [choose_min_count(n_bytes) for n_bytes in (0, 1, 10**6, 10**7, 10**8, 10**9, 10**12)]
    assert chosen == sorted(chosen)
    assert chosen[0] >= 1


def test_refinement_wants_the_texts_beside_their_counts(texts, tmp_path):
    plain_trainer().count_ngrams(texts, tmp_path / "ngrams", progress=False)
    plain_trainer().count_pieces(texts, [tmp_path / "ngrams"], tmp_path / "pieces", progress=False)
    with pytest.raises(CorpusError, match="refinement needs the texts"):
        plain_trainer(refine_rounds=1).train(from_counts=[tmp_path / "pieces"], progress=False)
