"""Training with a memory limit: counts go to disk, models stay the same, and no file is left behind."""

import gc
import os
import random
import re
import signal
import sys
import sysconfig
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import SettingsError, TrainingError
from bytepiece.training.counting import passes
from bytepiece.training.counting.passes import PieceCounter
from bytepiece.training.counting.spool import Spool
from bytepiece.training.discovery import candidates, ngram_model
from bytepiece.training.resources import Resources
from helpers.processes import UNDER_ASAN, run_python
from helpers.properties import examples
from helpers.texts import random_texts
from helpers.trainers import plain_trainer

SIZES = [270, 320, 1000]

on_linux = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
needs_limits = pytest.mark.skipif(sys.platform == "win32", reason="needs limits of resources")


class Failure(Exception):
    """Stops a training."""


@pytest.fixture(scope="module")
def texts():
    """Some thousand words, some of them often, in several scripts."""
    return random_texts("abcdeé你🙂12 ", n_words=100, n_texts=120, words_in_text=20)


@pytest.fixture(scope="module")
def models(texts):
    return train(texts)


@pytest.fixture(scope="module")
def few_models(texts):
    return train(texts[:20])


def train(texts, workers=1, trainer=None, **options):
    trainer = trainer or plain_trainer(vocab_size=SIZES)
    trainer.train(texts, workers, progress=False, **options)
    return trainer.models


@pytest.fixture
def spill(monkeypatch):
    """Makes batches small, and lets counters spill as soon as they hold more than some bytes."""

    def spill(counter_bytes=0, batch_bytes=500, merge_files=16):
        monkeypatch.setattr(Resources, "counter_bytes", lambda *_, **__: counter_bytes)
        monkeypatch.setattr(Resources, "store_bytes", lambda *_, **__: counter_bytes)
        monkeypatch.setattr(Resources, "batch_bytes", batch_bytes)
        monkeypatch.setattr(Resources, "MERGED_FILES", merge_files)
        monkeypatch.setattr(Resources, "document_bytes", None)  # limits below those that users can give

    return spill


@pytest.fixture
def spilled(monkeypatch):
    """The levels of all temporary files that are written."""
    levels = []
    add = Spool.add

    def noting(self, runs, level=0):
        levels.append(level)
        add(self, runs, level)

    monkeypatch.setattr(Spool, "add", noting)
    return levels


# The same models.


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("counter_bytes", [0, 5_000, 50_000, 2**28])
def test_models_are_the_same_for_any_limit(counter_bytes, workers, texts, models, spill):
    spill(counter_bytes)
    assert train(texts, workers) == models


@pytest.mark.slow
@pytest.mark.parametrize("merge_files", [2, 3, 16])
def test_models_are_the_same_for_many_files(merge_files, texts, models, spill, spilled):
    """Files of one level are merged into a file of the next."""
    spill(batch_bytes=100, merge_files=merge_files)
    assert train(texts) == models
    assert spilled.count(0) == 2 * len(texts)
    assert spilled.count(1) == 2 * (len(texts) // merge_files)
    assert spilled.count(2) == 2 * (len(texts) // merge_files**2)


@pytest.mark.slow
def test_a_whole_level_of_files_is_merged_again(spill, spilled):
    spill(batch_bytes=1)
    texts = [f"{k} and {k}" for k in range(300)]
    expected = train(texts)
    assert (spilled.count(0), spilled.count(1), spilled.count(2)) == (600, 36, 2)
    spill(2**28)
    assert train(texts) == expected


@pytest.mark.slow
@given(
    workers=st.integers(1, 4),
    counter_bytes=st.sampled_from([0, 3_000, 30_000]),
    batch_bytes=st.integers(1, 3000),
    merge_files=st.integers(2, 17),
    memory_limit=st.integers(1, 2**20) | st.sampled_from(["64M", "1G", None]),
    block_items=st.sampled_from([5, 2**16]),
)
@examples(10)
def test_nothing_but_time_depends_on_resources(
    workers, counter_bytes, batch_bytes, merge_files, memory_limit, block_items, texts, few_models, spill, monkeypatch
):
    spill(counter_bytes, batch_bytes, merge_files)
    monkeypatch.setattr("bytepiece.training.resources.SMALLEST_LIMIT", 1)
    monkeypatch.setattr("bytepiece.training.counting.counts_file._BLOCK_ITEMS", block_items)
    assert train(texts[:20], workers, memory_limit=memory_limit) == few_models


@pytest.mark.slow
@pytest.mark.parametrize("min_count", [3, 50, 1000])
def test_rare_pieces_of_many_blocks_are_dropped(min_count, texts, spill, monkeypatch):
    """Some blocks on disk lose all their pieces."""
    trainer = plain_trainer(vocab_size=SIZES, min_count=min_count)
    expected = train(texts, trainer=trainer)
    spill()
    monkeypatch.setattr("bytepiece.training.counting.counts_file._BLOCK_ITEMS", 3)
    assert train(texts, trainer=trainer) == expected


def test_the_smallest_limit_is_enough_for_a_small_corpus(texts, models):
    assert train(texts, 2, memory_limit="64M") == models


def test_counts_of_a_pass_that_are_in_the_way_go_to_disk(texts, models, spilled, monkeypatch):
    monkeypatch.setattr("bytepiece.training.resources.SMALLEST_LIMIT", 1)
    monkeypatch.setattr(Resources, "document_bytes", None)
    assert train(texts, memory_limit=1000) == models
    assert len(spilled) == 2


def test_without_limit_nothing_goes_to_disk(texts, spilled):
    train(texts)
    assert spilled == []


@pytest.mark.parametrize(
    ("memory_limit", "workers"), [("64M", 1), ("64M", 2), (2**26, 4), ("1G", 1), ("1G", 64), (2**40, 64)]
)
def test_shares_of_memory_are_within_the_limit(memory_limit, workers):
    resources = Resources.checked(workers, memory_limit, None)
    assert 2 * resources.store_bytes() + workers * resources.counter_bytes() < resources.memory_limit
    assert (resources.model_bytes or 0) < resources.memory_limit
    assert 36 * workers * resources.batch_bytes < resources.memory_limit
    blocks = 3 * 16 * resources.MERGED_FILES * resources.block_items
    assert blocks <= max(resources.store_bytes(), 3 * 2**20)


@on_linux
@pytest.mark.slow
@pytest.mark.skipif(UNDER_ASAN, reason="AddressSanitizer keeps freed memory")
@pytest.mark.skipif(bool(sysconfig.get_config_var("Py_GIL_DISABLED")), reason="so does free-threaded Python")
def test_text_whose_ngrams_are_all_new_stays_near_the_limit(tmp_path):
    """How much is in memory at once depends on the threads, so a fifth is allowed for; it was four fifths once."""
    done = run_python(
        """
        import sys
        import numpy as np
        from bytepiece import Trainer

        class Texts:
            def __iter__(self):
                ideographs = np.random.default_rng(0)
                for _ in range(100):
                    codes = ideographs.integers(0x4E00, 0x9FFF, 10**5, dtype=np.uint32)
                    codes[::100] = 10
                    yield codes.tobytes().decode("utf-32-le")

        def peak():
            return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))

        trainer = Trainer(vocab_size=8000, min_count=50, refine_rounds=0)
        before = peak()
        trainer.train(Texts(), 2, memory_limit="128M", temp_dir=sys.argv[1], progress=False)
        print(peak() - before)
        """,
        tmp_path,
    )
    assert int(done.stdout) < 1.2 * 2**27, done.stderr


# Arguments.


@pytest.mark.parametrize(("memory_limit", "workers"), [("64M", 1), ("64M", 8), ("512M", 64), ("2G", 128)])
def test_the_ngram_model_gets_most_of_the_limit(memory_limit, workers):
    resources = Resources.checked(workers, memory_limit, None)
    assert resources.model_bytes > resources.memory_limit / 2


@pytest.mark.parametrize("memory_limit", [0, -1, 2**26 - 1, "1K", "x", "", "-5G", "2X", 1e9, True, 2**63, [2**30]])
def test_a_wrong_limit_is_refused_by_its_name(memory_limit):
    with pytest.raises(SettingsError, match=r"^memory_limit "):
        train(["a"], memory_limit=memory_limit)


def test_a_temp_dir_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SettingsError, match=f"^temp_dir.*{re.escape(str(tmp_path / 'none'))}"):
        train(["a"], temp_dir=tmp_path / "none")


def test_a_temp_dir_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"^temp_dir"):
        train(["a"], temp_dir=tmp_path / "file")


# Nothing is left behind.


def failing(texts, pass_number, error):
    """Texts that fail in the middle of a pass, from 1."""

    class Texts:
        passes = 0

        def __iter__(self):
            self.passes += 1
            yield from texts[: len(texts) // 2]
            if self.passes == pass_number:
                raise error
            yield from texts[len(texts) // 2 :]

    return Texts()


def fail_in_kernel(monkeypatch, pass_number, error):
    """Let the kernel of a pass fail at its 20th batch."""
    calls = []

    def check():
        calls.append(None)
        if len(calls) == 20:
            raise error

    if pass_number == 1:
        kernel = passes.ngram_keys
        monkeypatch.setattr(passes, "ngram_keys", lambda *given: check() or kernel(*given))
    else:

        class Failing(PieceCounter):
            def add(self, batch):
                check()
                super().add(batch)

        monkeypatch.setattr(candidates, "PieceCounter", Failing)


def test_no_file_is_left_after_training(texts, models, spill, spilled, tmp_path):
    spill()
    assert train(texts, 2, temp_dir=tmp_path) == models
    assert spilled
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("pass_number", [1, 2])
@pytest.mark.parametrize("where", ["texts", "kernel"])
@pytest.mark.parametrize("error", [Failure, KeyboardInterrupt, MemoryError])
def test_no_file_is_left_after_a_failure(
    error, where, pass_number, workers, texts, spill, spilled, tmp_path, monkeypatch
):
    spill()
    n_threads = threading.active_count()
    if where == "texts":
        texts = failing(texts, pass_number, error)
    else:
        fail_in_kernel(monkeypatch, pass_number, error)
    with pytest.raises(error):
        train(texts, workers, temp_dir=tmp_path)
    assert spilled
    assert list(tmp_path.iterdir()) == []
    assert threading.active_count() == n_threads


@pytest.mark.slow
@on_linux
@pytest.mark.parametrize("error", [None, Failure])
@pytest.mark.parametrize("pass_number", [1, 2])
def test_no_file_stays_open(pass_number, error, texts, spill, tmp_path):
    spill()
    before = len(os.listdir("/proc/self/fd"))
    with suppress(Failure):
        train(failing(texts, pass_number, error) if error else texts, temp_dir=tmp_path, checkpoint=tmp_path / "kept")
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.slow
@on_linux
@pytest.mark.parametrize("pass_number", [1, 2])
def test_no_file_is_left_of_a_process_that_is_killed(pass_number, tmp_path):
    done = run_script(
        """
        class Texts:
            passes = 0
            def __iter__(self):
                self.passes += 1
                for k in range(200):
                    yield f"text {k % 7}\\n" * 5
                    if self.passes == int(sys.argv[2]) and k == 150:
                        os.kill(os.getpid(), signal.SIGKILL)
        Trainer.bytepiece063(normalization=None, vocab_size=300).train(Texts(), temp_dir=sys.argv[1], progress=False)
        """,
        tmp_path,
        pass_number,
    )
    assert done.returncode == -signal.SIGKILL
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("pass_number", [1, 2])
@pytest.mark.parametrize("endless", [False, True])
def test_a_failing_worker_ends_the_training(endless, pass_number, workers, spill, monkeypatch):
    """The error is raised soon, however many texts are still to come."""
    spill(2**28, batch_bytes=10)
    counted = []
    add = passes._add
    monkeypatch.setattr(passes, "_add", lambda *given: counted.append(None) or add(*given))
    fail_in_kernel(monkeypatch, pass_number, Failure("batch 20"))

    class Texts:
        passes = 0

        def __iter__(self):
            self.passes += 1
            k = 0
            while k < 50 or (endless and self.passes == pass_number):
                k += 1
                yield "some text\n"

    with pytest.raises(Failure, match="batch 20"):
        train(Texts(), workers)
    assert len(counted) - 50 * (pass_number - 1) <= 20 + 4 * workers


# Disks.


def run_script(code, *arguments):
    """Run code in a process of its own, in which counters spill after each batch."""
    head = """
        import os, signal, sys
        from bytepiece import Trainer
        from bytepiece.cli.main import main
        from bytepiece.training.counting import checkpoint
        from bytepiece.training.resources import Resources
        Resources.counter_bytes = Resources.store_bytes = lambda *_, **__: 0
        Resources.batch_bytes = 500
        checkpoint.Checkpoint.part_bytes = lambda *_: 20_000
        """
    script = "\n".join(line[8:] for line in (head + code).splitlines())
    return run_python(script, *arguments)


def test_a_temp_dir_that_vanishes_is_an_error(texts, spill, tmp_path):
    """A folder that is gone cannot be written to, not even by root."""
    spill()
    folder = tmp_path / "folder"
    folder.mkdir()

    class Texts:
        def __iter__(self):
            if folder.exists():
                folder.rmdir()
            yield from texts

    with pytest.raises(TrainingError, match=re.escape(str(folder))) as caught:
        train(Texts(), 2, temp_dir=folder)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_temp_dir_that_cannot_be_written_is_an_error(texts, spill, tmp_path):
    spill()
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(TrainingError, match=re.escape(str(tmp_path))):
            train(texts, temp_dir=tmp_path)
    finally:
        tmp_path.chmod(0o700)


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
@needs_limits
@pytest.mark.parametrize("limit", [100, 20_000])
@pytest.mark.parametrize(
    ("counter_bytes", "arguments", "named"),
    [
        (0, "train IN --vocab-size 300 --boundaries none --output OUT --temp-dir TEMP", "TEMP"),
        (0, "count IN --boundaries none --output OUT --temp-dir TEMP", "TEMP"),
        (2**28, "train IN --vocab-size 300 --boundaries none --output OUT --temp-dir TEMP --checkpoint KEPT", "KEPT"),
        (2**28, "count IN --boundaries none --output OUT --temp-dir TEMP", "OUT"),
    ],
    ids=["spilled n-grams", "spilled counts", "checkpoint", "file of counts"],
)
def test_a_full_disk_is_an_error_in_one_line(counter_bytes, limit, arguments, named, tmp_path):
    """A limit on the size of files stands for a full disk. Old files stay, and no partial file is left."""
    generator = random.Random(0)
    places = {name: tmp_path / name for name in ("IN", "OUT", "TEMP", "KEPT")}
    places["IN"].write_text("".join(f"{generator.getrandbits(300):x}\n" for _ in range(500)))
    places["OUT"].write_bytes(b"what was there")
    places["TEMP"].mkdir()
    places["KEPT"].mkdir()
    before = contents(tmp_path)
    done = run_script(
        """
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
        Resources.counter_bytes = Resources.store_bytes = lambda *_, **__: int(sys.argv[1])
        sys.exit(main(sys.argv[3:]))
        """,
        counter_bytes,
        limit,
        *(places.get(word, word) for word in arguments.split()),
        "--quiet",
    )
    assert done.returncode == 1
    assert re.fullmatch(r"bytepiece \w+: .*File too large.*\n", done.stderr, re.IGNORECASE), done.stderr
    assert str(places[named]) in done.stderr
    assert contents(tmp_path) == before


# The n-gram model.


@pytest.fixture
def model_bytes(monkeypatch):
    """Sets the memory that there is for the n-gram model."""

    def set_bytes(n_bytes):
        monkeypatch.setattr(Resources, "model_bytes", n_bytes)
        monkeypatch.setattr(ngram_model, "_LEAST", 540_000)  # for bytes and pairs it is enough

    return set_bytes


class Counted:
    """Texts that know how often they were read."""

    def __init__(self, texts):
        self.texts = texts
        self.passes = 0

    def __iter__(self):
        self.passes += 1
        yield from self.texts


@pytest.mark.slow
@pytest.mark.parametrize("limit", [-(2**20), 0, 540_000, 600_000, 700_000])
@pytest.mark.parametrize("order", [2, 6, 7])
@pytest.mark.parametrize("min_count", [1, 2, 3])
def test_a_model_that_is_too_large_names_a_min_count_that_fits(min_count, order, limit, texts, model_bytes):
    expected = train(texts, trainer=plain_trainer(order, SIZES, min_count=min_count))
    model_bytes(limit)
    try:
        assert train(texts, trainer=plain_trainer(order, SIZES, min_count=min_count)) == expected
    except TrainingError as error:
        message = str(error)
    else:
        return
    named = re.fullmatch(rf".* takes \d+ MB with min_count {min_count}, .*; min_count (\d+) would fit", message)
    assert int(named[1]) > min_count
    train(texts, trainer=plain_trainer(order, SIZES, min_count=int(named[1])))


def test_a_model_that_is_too_large_is_found_before_the_second_pass(texts, model_bytes):
    model_bytes(540_000)
    texts = Counted(texts)
    with pytest.raises(TrainingError, match="min_count"):
        train(texts)
    assert texts.passes == 1


def test_a_model_that_is_too_large_is_found_before_pieces_are_counted(texts, model_bytes, tmp_path):
    trainer = plain_trainer()
    trainer.count_ngrams(texts, tmp_path / "ngrams", progress=False)
    model_bytes(540_000)
    counted = Counted(texts)
    with pytest.raises(TrainingError, match="min_count"):
        trainer.count_pieces(counted, [tmp_path / "ngrams"], tmp_path / "pieces", progress=False)
    assert counted.passes == 0
    assert not (tmp_path / "pieces").exists()


def test_a_model_of_single_bytes_always_fits():
    model = train([bytes(range(128)).decode() * 5], trainer=plain_trainer(1, 300), memory_limit="64M")[300]
    assert len(model.pieces) == 256
