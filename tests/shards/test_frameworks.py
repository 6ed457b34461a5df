"""Each format, read by the reader of its own framework: all documents of a corpus are there, id for id.

The frameworks are not in the extra ``test``. `.ci/run` installs them, in an environment of their own, from
``tests/shards/requirements.txt``.
"""

import glob
import gzip
import sys
import types

import numpy as np
import pytest

from bytepiece import Tokenizer, read_shards, verify_shards, write_shards


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """10 MB of documents, of 1 to some 100,000 bytes, and their texts."""
    chance = np.random.default_rng(0)
    words = np.array(["the", "cat", " sat", " on ", "漢字", "🙂", "é", " ", "mat", "house", "ing", ", "])
    path = tmp_path_factory.mktemp("corpus") / "corpus.txt"
    texts = []
    size = 0
    while size < 10_000_000:
        n_words = int(chance.choice([1, 5, 50, 500, 30_000], p=[0.2, 0.3, 0.3, 0.195, 0.005]))
        texts.append("".join(chance.choice(words, n_words)) + "\n")
        size += len(texts[-1].encode())
    path.write_text("".join(texts), encoding="utf-8")
    return path, texts


@pytest.fixture(scope="module")
def expected(corpus, model):
    tokenizer = Tokenizer(model)
    return [[*tokenizer.encode(text), 2] for text in corpus[1]]


def write(corpus, model, folder, format):
    """Write shards; gives the names of the shards, without endings."""
    totals = write_shards(corpus[0], model, folder, format, shard_tokens=2**19)
    assert totals["shards"] > 5
    return [str(folder / f"shard-{number:05}") for number in range(totals["shards"])]


@pytest.mark.slow
def test_megatron(corpus, model, expected, tmp_path):
    indexed_dataset = pytest.importorskip("megatron.core.datasets.indexed_dataset")
    documents = []
    for name in write(corpus, model, tmp_path, "megatron"):
        dataset = indexed_dataset.IndexedDataset(name)
        assert len(dataset.document_indices) == len(dataset) + 1
        documents += [dataset[k].tolist() for k in range(len(dataset))]
    assert documents == expected


@pytest.mark.slow
def test_datatrove(corpus, model, expected, tmp_path):
    """Its reader gives windows of equal size, here of 64 ids, and leaves out what is left after the last one."""
    pytest.importorskip("torch")
    dataset = pytest.importorskip("datatrove.utils.dataset")
    ids, ends = [], []
    for name in write(corpus, model, tmp_path, "datatrove"):
        windows = dataset.DatatroveFileDataset(f"{name}.ds", seq_len=63, token_size=2)
        read = [id for k in range(len(windows)) for id in windows[k]["input_ids"].tolist()]
        all_ids = np.fromfile(f"{name}.ds", dtype="<u2").tolist()
        assert read == all_ids[: len(read)]
        assert len(all_ids) - len(read) < 64
        ends += (len(ids) + np.fromfile(f"{name}.ds.index", dtype="<u8")).tolist()
        ids += all_ids
    assert ids == [id for document in expected for id in document]
    assert ends == np.cumsum([*map(len, expected)]).tolist()


@pytest.fixture
def no_pictures(monkeypatch):
    """Stands in for torchvision, if it is missing: streaming imports it for datasets of pictures."""
    try:
        import torchvision  # noqa: F401
    except ImportError:
        pytest.importorskip("transformers.feature_extraction_utils")  # which looks for the real one
        for name in ("torchvision", "torchvision.datasets", "torchvision.transforms.functional"):
            module = types.ModuleType(name)
            module.VisionDataset = module.CIFAR10 = object
            module.to_tensor = None
            monkeypatch.setitem(sys.modules, name, module)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # streaming leaves files open
def test_mds(corpus, model, expected, tmp_path, no_pictures):
    streaming = pytest.importorskip("streaming")
    write(corpus, model, tmp_path, "mds")
    dataset = streaming.LocalDataset(str(tmp_path))
    assert [dataset[k]["input_ids"].tolist() for k in range(len(dataset))] == expected
    assert [ids.tolist() for ids in read_shards(tmp_path)] == expected
    assert verify_shards(tmp_path) == []


@pytest.mark.slow
def test_datasets(corpus, model, expected, tmp_path):
    datasets = pytest.importorskip("datasets")
    write(corpus, model, tmp_path, "parquet")
    files = sorted(glob.glob(str(tmp_path / "*.parquet")))
    dataset = datasets.load_dataset("parquet", data_files=files, cache_dir=str(tmp_path / "cache"), split="train")
    assert [*dataset["input_ids"]] == expected
    assert [*dataset["row"]] == [*range(len(expected))]


@pytest.mark.slow
def test_polars(corpus, model, expected, tmp_path):
    polars = pytest.importorskip("polars")
    write(corpus, model, tmp_path, "parquet")
    table = polars.read_parquet(tmp_path / "*.parquet")
    assert table["input_ids"].to_list() == expected
    assert table["source"].unique().to_list() == [str(corpus[0])]


@pytest.mark.slow
def test_llm_c(corpus, model, expected, tmp_path):
    """As ``dataloader.h`` and ``train_gpt2.py`` of karpathy/llm.c read it: 256 int32, then the ids."""
    ids = []
    for name in write(corpus, model, tmp_path, "llm.c"):
        header = np.fromfile(f"{name}.bin", dtype="<i4", count=256)
        tokens = np.fromfile(f"{name}.bin", dtype="<u2", offset=1024)
        assert header[:3].tolist() == [20240520, 1, len(tokens)]
        ids += tokens.tolist()
    assert ids == [id for document in expected for id in document]


@pytest.mark.slow
def test_nanogpt(corpus, model, expected, tmp_path):
    """As ``train.py`` of karpathy/nanoGPT reads it."""
    ids = []
    for name in write(corpus, model, tmp_path, "bin"):
        ids += np.memmap(f"{name}.bin", dtype=np.uint16, mode="r").tolist()
    assert ids == [id for document in expected for id in document]


@pytest.mark.slow
def test_olmo_core(corpus, model, expected, tmp_path):
    """As ``iter_document_indices`` of allenai/OLMo-core reads it, where OLMo-core is not installed."""
    documents = []
    for name in write(corpus, model, tmp_path, "npy"):
        ids = np.memmap(f"{name}.npy", dtype=np.uint16, mode="r")
        with gzip.open(f"{name}.csv.gz", "rt") as file:
            for line in file:
                begin, end, *_ = line.split(",")
                documents.append(ids[int(begin) : int(end)].tolist())
    assert documents == expected
