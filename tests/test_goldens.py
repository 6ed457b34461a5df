"""What BytePiece 0.6.3 made of some corpora and texts: every piece, count and id."""

import json
import unicodedata
from functools import cache
from itertools import product
from pathlib import Path

import pytest

from bytepiece import Model, Trainer, reference
from helpers.goldens import each_published, read_json_lines

DATA = Path(__file__).parent / "data" / "golden"
OWN_CASES = {"odd": (400, 100000), "odd_bytes": (600,), "one_line": (100000,)}
SHARED_CASES = {
    "mixed": (1000, 4000, 12000),
    "order2": (700,),
    "order4_digits_bytes": (2000,),
    "order6_digits": (3000,),
}
WORKERS = (1, 2)


def items(data):
    """A JSON object as a list, so that its order counts when it is compared."""
    return list(json.loads(data).items())


def texts_and_settings(folder):
    texts = [document["text"] for document in read_json_lines(folder / "corpus.jsonl")]
    return texts, json.loads((folder / "settings.json").read_text())


@cache
def trained(folder, workers):
    texts, settings = texts_and_settings(folder)
    trainer = Trainer.bytepiece063(**settings)
    trainer.train(texts, workers=workers, progress=False)
    return trainer.models


def runs(cases):
    """The models of all cases, each trained by one worker and by two."""
    return [
        pytest.param(case, size, workers, id=f"{case}-{size}-{workers}")
        for case, sizes in cases.items()
        for size, workers in product(sizes, WORKERS)
    ]


class TrainingGoldens:
    """Run for the cases that the tests bring along, and for those beside the checkout."""

    def test_pieces(self, cases, case, size, workers):
        assert trained(cases / case, workers)[size].pieces == Model.load(cases / case / f"{size}.model").pieces

    def test_counts(self, cases, case, size, workers):
        assert trained(cases / case, workers)[size].counts == Model.load(cases / case / f"{size}.model").counts

    def test_saved_json_is_the_golden(self, cases, case, size, workers, tmp_path):
        trained(cases / case, workers)[size].save(tmp_path / "model", format="json")
        assert items((tmp_path / "model").read_bytes()) == items((cases / case / f"{size}.model").read_bytes())


@pytest.mark.parametrize(("case", "size", "workers"), runs(OWN_CASES))
class TestOwnTrainingGoldens(TrainingGoldens):
    @pytest.fixture
    def cases(self):
        return DATA


@pytest.mark.slow
@pytest.mark.parametrize(("case", "size", "workers"), runs(SHARED_CASES))
class TestSharedTrainingGoldens(TrainingGoldens):
    @pytest.fixture
    def cases(self, goldens):
        return goldens.train


@pytest.mark.slow
@pytest.mark.parametrize("case", OWN_CASES)
def test_reference_gives_the_goldens_too(case):
    texts, settings = texts_and_settings(DATA / case)
    texts = [unicodedata.normalize("NFC", text) for text in texts]
    vocabularies = reference.train(texts, settings.pop("max_vocab_size"), **settings)
    for size in OWN_CASES[case]:
        golden = Model.load(DATA / case / f"{size}.model")
        assert list(vocabularies[size].items()) == list(zip(golden.pieces, golden.counts, strict=True))


@pytest.mark.parametrize("case", OWN_CASES)
def test_own_cases_are_those_beside_the_checkout(case, goldens):
    original = goldens.train / case
    copy = DATA / case
    assert {path.name: path.read_bytes() for path in copy.iterdir()} == {
        path.name: path.read_bytes() for path in original.iterdir()
    }


def test_no_golden_is_left_out(goldens):
    sizes = {case.name: sorted(int(path.stem) for path in case.glob("*.model")) for case in goldens.train.iterdir()}
    assert sizes == {case: list(sizes) for case, sizes in (OWN_CASES | SHARED_CASES).items()}


@each_published
class TestEncodingGoldens:
    def test_every_text_has_its_ids(self, name, goldens):
        assert len(goldens.ids(name)) == len(goldens.texts) == 957

    def test_ids(self, name, goldens):
        encode = goldens.tokenizer(name).encode
        assert [encode(text) for text in goldens.texts] == goldens.ids(name)

    def test_ids_of_bytes(self, name, goldens):
        encode = goldens.tokenizer(name).encode
        assert [encode(text.encode()) for text in goldens.texts] == goldens.ids(name)

    def test_decode_gives_the_nfc_of_the_text(self, name, goldens):
        decode = goldens.tokenizer(name).decode
        assert list(map(decode, goldens.ids(name))) == [unicodedata.normalize("NFC", text) for text in goldens.texts]


@pytest.mark.parametrize("name", ["bytepiece.id.plus.40k", pytest.param("bytepiece_80k", marks=pytest.mark.slow)])
@pytest.mark.slow
def test_a_published_model_loaded_and_saved_is_the_same_json(name, goldens, tmp_path):
    goldens.tokenizer(name).model.save(tmp_path / "model", format="json")
    assert items((tmp_path / "model").read_bytes()) == items(goldens.json(name))
