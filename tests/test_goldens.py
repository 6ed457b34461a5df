"""What BytePiece 0.6.3 made of some corpora and texts: every piece, count and id."""

import json
import unicodedata
import zipfile
from functools import cache
from itertools import product
from pathlib import Path

import pytest

from bytepiece import Model, Tokenizer, Trainer, reference

DATA = Path(__file__).parent / "data" / "golden"
OWN_CASES = {"odd": (400, 100000), "odd_bytes": (600,), "one_line": (100000,)}
SHARED_CASES = {
    "mixed": (1000, 4000, 12000),
    "order2": (700,),
    "order4_digits_bytes": (2000,),
    "order6_digits": (3000,),
}
WORKERS = (1, 2)
MODELS = ("bytepiece.eu.plus.160k", "bytepiece.id.plus.40k", "bytepiece.zh.id.eu.80k", "bytepiece_80k")


def read_json_lines(path):
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def items(data):
    """A JSON object as a list, so that its order counts when it is compared."""
    return list(json.loads(data).items())


def texts_and_settings(folder):
    texts = [document["text"] for document in read_json_lines(folder / "corpus.jsonl")]
    return texts, json.loads((folder / "settings.json").read_text())


@cache
def trained(folder, workers):
    texts, settings = texts_and_settings(folder)
    trainer = Trainer(normalization="nfc", **settings)
    trainer.train(texts, workers=workers, progress=False)
    return trainer.models


def runs(cases):
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


@pytest.mark.parametrize(("case", "size", "workers"), runs(SHARED_CASES))
class TestSharedTrainingGoldens(TrainingGoldens):
    @pytest.fixture
    def cases(self, shared):
        return shared / "golden" / "train"


@pytest.mark.parametrize("case", OWN_CASES)
def test_reference_gives_the_goldens_too(case):
    texts, settings = texts_and_settings(DATA / case)
    vocabularies = reference.train(texts, settings.pop("max_vocab_size"), normalization="nfc", **settings)
    for size in OWN_CASES[case]:
        golden = Model.load(DATA / case / f"{size}.model")
        assert list(vocabularies[size].items()) == list(zip(golden.pieces, golden.counts, strict=True))


@pytest.mark.parametrize("case", OWN_CASES)
def test_own_cases_are_those_beside_the_checkout(case, shared):
    original = shared / "golden" / "train" / case
    copy = DATA / case
    assert {path.name: path.read_bytes() for path in copy.iterdir()} == {
        path.name: path.read_bytes() for path in original.iterdir()
    }


def test_no_golden_is_left_out(shared):
    sizes = {
        case.name: sorted(int(path.stem) for path in case.glob("*.model"))
        for case in (shared / "golden" / "train").iterdir()
    }
    assert sizes == {case: list(sizes) for case, sizes in (OWN_CASES | SHARED_CASES).items()}


@pytest.fixture(scope="session")
def published(shared, tmp_path_factory):
    """The tokenizer of a published model, by name."""
    folder = tmp_path_factory.mktemp("models")

    @cache
    def load(name):
        with zipfile.ZipFile(shared / "models" / f"{name}.zip") as archive:
            return Tokenizer(archive.extract(f"{name}.model", folder))

    return load


@pytest.fixture(scope="session")
def texts(shared):
    return [document["text"] for document in read_json_lines(shared / "golden" / "encode" / "texts.jsonl")]


@pytest.fixture(scope="session")
def golden_ids(shared):
    return cache(lambda name: read_json_lines(shared / "golden" / "encode" / f"{name}.ids.jsonl"))


@pytest.mark.parametrize("name", MODELS)
class TestEncodingGoldens:
    def test_every_text_has_its_ids(self, name, texts, golden_ids):
        assert len(golden_ids(name)) == len(texts) == 957

    def test_ids(self, name, published, texts, golden_ids):
        encode = published(name).encode
        assert [encode(text) for text in texts] == golden_ids(name)

    def test_ids_of_bytes(self, name, published, texts, golden_ids):
        encode = published(name).encode
        assert [encode(text.encode()) for text in texts] == golden_ids(name)

    def test_decode_gives_the_nfc_of_the_text(self, name, published, texts, golden_ids):
        decode = published(name).decode
        assert [decode(ids) for ids in golden_ids(name)] == [unicodedata.normalize("NFC", text) for text in texts]


@pytest.mark.parametrize("name", ["bytepiece.id.plus.40k", "bytepiece_80k"])
def test_a_published_model_loaded_and_saved_is_the_same_json(name, published, shared, tmp_path):
    published(name).model.save(tmp_path / "model", format="json")
    with zipfile.ZipFile(shared / "models" / f"{name}.zip") as archive:
        assert items((tmp_path / "model").read_bytes()) == items(archive.read(f"{name}.model"))
