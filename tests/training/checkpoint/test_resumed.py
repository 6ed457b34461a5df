"""A training that was interrupted resumes from its checkpoint, and gives the same model."""

import json
import os
import signal
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bytepiece.errors import CheckpointError
from bytepiece.files import atomic_writer
from bytepiece.training.counting import checkpoint as checkpoint_module
from bytepiece.training.counting import counts_file, passes
from bytepiece.training.counting.checkpoint import Checkpoint
from bytepiece.training.counting.passes import NgramCounter
from bytepiece.training.resources import Resources
from helpers.checkpoints import (
    BATCH_BYTES,
    KINDS,
    PART_BYTES,
    Failure,
    Interrupted,
    contents,
    finished,
    interrupt,
    manifest_of,
    train,
)
from helpers.processes import run_python
from helpers.properties import examples

# The same model.


@pytest.mark.parametrize("workers", [1, 3])
def test_a_checkpoint_changes_no_model(workers, texts, models, folder):
    assert train(texts, folder, workers) == models


def test_a_folder_is_made_where_there_is_none(texts, models, tmp_path):
    assert train(texts, tmp_path / "a" / "b") == models


@pytest.mark.slow
@pytest.mark.parametrize("position", range(2 * 27))
def test_interrupted_before_any_text_it_resumes(position, texts, models, n_bytes, folder, counted):
    """What was counted in finished parts is not counted again, and these are all but the last few texts."""
    interrupt(texts, position, folder)
    done = finished(folder)
    longest = max(len(text.encode()) for text in texts)
    documents = [*texts, "", *texts][:position]
    read = sum(len(text.encode()) for text in documents)
    assert read - sum(done.values()) < PART_BYTES + 2 * BATCH_BYTES + longest
    counted.clear()
    assert train(texts, folder) == models
    assert counted == Counter({kind: n_bytes - done[kind] for kind in KINDS})


@pytest.mark.parametrize("workers", [1, 3])
def test_interrupted_again_and_again_it_resumes(workers, texts, models, n_bytes, folder, counted):
    """Each attempt gets a bit further, and none loses what was counted."""
    done = finished(folder)
    for position in range(0, 2 * 27, 5):
        interrupt(texts, position, folder, workers)
        now = finished(folder)
        assert all(now[kind] >= done[kind] for kind in KINDS)
        done = now
    counted.clear()
    assert train(texts, folder) == models
    assert counted == Counter({kind: n_bytes - done[kind] for kind in KINDS})


RESOURCES = st.fixed_dictionaries(
    {
        "workers": st.integers(1, 4),
        "memory_limit": st.sampled_from([None, "64M", "1G"]),
        "batch_bytes": st.integers(1, 500),
        "part_bytes": st.integers(100, 5000),
        "counter_bytes": st.sampled_from([0, 5000, 2**28]),
    }
)

TINY = {"workers": 1, "memory_limit": None, "batch_bytes": 1, "part_bytes": 100, "counter_bytes": 0}


@pytest.mark.slow
@given(runs=st.lists(st.tuples(st.integers(0, 2 * 27), RESOURCES), min_size=1, max_size=4))
@example(runs=[(26, TINY), (27, TINY), (53, TINY)])
@examples(10)
def test_resumed_with_other_resources_it_gives_the_same(runs, texts, models, tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("checkpoint")
    for position, resources in runs:
        monkeypatch.setattr(Checkpoint, "part_bytes", lambda *_, n=resources["part_bytes"]: n)
        monkeypatch.setattr(Resources, "batch_bytes", resources["batch_bytes"])
        monkeypatch.setattr(Resources, "counter_bytes", lambda *_, n=resources["counter_bytes"], **__: n)
        monkeypatch.setattr(Resources, "store_bytes", lambda *_, n=resources["counter_bytes"], **__: n)
        given = (folder, resources["workers"])
        try:
            assert train(Interrupted(texts, position), *given, memory_limit=resources["memory_limit"]) == models
        except Failure:
            continue
    assert train(texts, folder) == models


@pytest.mark.slow
@pytest.mark.parametrize("position", [10, 40])
def test_ctrl_c_is_an_interruption_like_others(position, texts, models, folder, counted):
    with pytest.raises(KeyboardInterrupt):
        train(Interrupted(texts, position, KeyboardInterrupt), folder, 2)
    done = finished(folder)
    assert any(done.values())
    counted.clear()
    assert train(texts, folder) == models
    assert counted["ngrams"] + sum(done.values()) + counted["pieces"] == 2 * sum(len(text.encode()) for text in texts)


@pytest.mark.parametrize("pass_number", [1, 2])
@pytest.mark.parametrize("workers", [1, 3])
def test_interrupted_by_a_worker_it_resumes(workers, pass_number, texts, models, n_bytes, folder, counted, monkeypatch):
    calls = Counter()
    kind = KINDS[pass_number - 1]
    add = passes._add

    def failing(counter, batch):
        add(counter, batch)
        calls[isinstance(counter, NgramCounter)] += 1
        if calls[kind == "ngrams"] == 8:
            raise Failure

    with monkeypatch.context() as patch:
        patch.setattr(passes, "_add", failing)
        with pytest.raises(Failure):
            train(texts, folder, workers)
    done = finished(folder)
    counted.clear()
    assert train(texts, folder) == models
    assert counted == Counter({kind: n_bytes - done[kind] for kind in KINDS})


def test_a_finished_training_counts_nothing_again(texts, models, folder, counted):
    train(texts, folder)
    counted.clear()
    assert train(texts, folder) == models
    assert not +counted


def test_parts_grow_with_the_corpus(texts, models, folder, monkeypatch):
    """Even a huge corpus has not too many parts."""
    monkeypatch.setattr(Checkpoint, "part_bytes", lambda self, reader: max(PART_BYTES, reader.n_bytes))
    assert train(texts, folder) == models
    for parts in manifest_of(folder)["parts"].values():
        ends = [part["bytes"] for part in parts]
        assert len(ends) > 2
        assert all(after >= 2 * before for before, after in pairwise(ends[:-1]))


def test_a_large_corpus_has_some_hundred_parts(texts, folder, monkeypatch):
    monkeypatch.undo()

    class SomeReader:
        n_bytes = 0

    reader = SomeReader()
    checkpoint = Checkpoint(folder, {})
    n_parts = 0
    while reader.n_bytes < 10**13:
        reader.n_bytes += checkpoint.part_bytes(reader)
        n_parts += 1
    assert n_parts < 1000


# Killed.

SCRIPT = """
import json, os, signal, sys
from bytepiece import Trainer
from bytepiece.training.counting import checkpoint, counts_file
from bytepiece.training.counting import passes
from bytepiece.training.resources import Resources

folder, event, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
checkpoint.Checkpoint.part_bytes = lambda *_: 700
Resources.batch_bytes = 200
Resources.counter_bytes = Resources.store_bytes = lambda *_, **__: 2000

def count_down():
    global number
    number -= 1
    if number < 0:
        os.kill(os.getpid(), signal.SIGKILL)

def at(module, name):
    function = getattr(module, name)
    def counting_down(*given, **options):
        count_down()
        return function(*given, **options)
    setattr(module, name, counting_down)

if event == "block":
    at(counts_file, "write_block")
elif event == "rename":
    at(os, "replace")
elif event == "manifest":
    at(checkpoint, "atomic_writer")
elif event == "batch":
    at(passes, "_add")

texts = json.load(sys.stdin)

class Texts:
    def __iter__(self):
        for text in texts:
            if event == "text":
                count_down()
            yield text

Trainer.bytepiece063(normalization=None, vocab_size=[270, 300]).train(Texts(), 2, checkpoint=folder, progress=False)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
@pytest.mark.parametrize(
    ("event", "number"),
    [
        ("text", 3),
        ("text", 20),
        ("text", 45),
        ("batch", 12),
        ("batch", 30),
        ("block", 10),
        ("rename", 0),
        ("rename", 5),
        ("manifest", 1),
        ("manifest", 8),
    ],
)
def test_killed_it_resumes(event, number, texts, models, n_bytes, folder, counted):
    done = run_python(SCRIPT, folder, event, number, input=json.dumps(texts))
    assert (done.returncode, done.stderr) == (-signal.SIGKILL, "")
    if event == "rename":
        assert list(folder.glob(".*"))
    done = finished(folder)
    assert train(texts, folder) == models
    assert not list(folder.glob(".*"))
    assert counted == Counter({kind: n_bytes - done[kind] for kind in KINDS})


def test_temporary_files_of_another_training_stay(texts, models, folder):
    """The other training may still run."""
    folder.mkdir()
    with atomic_writer(folder / "other") as file:
        file.write(b"other")
        assert train(texts, folder) == models
    assert (folder / "other").read_bytes() == b"other"


def test_a_checkpoint_that_is_refused_stays_as_it_is(texts, folder):
    train(texts, folder)
    (folder / ".bytepiece-0123456789abcdef.tmp").touch()
    with pytest.raises(CheckpointError, match="other settings"):
        train(texts, folder, order=5)
    assert list(folder.glob(".*"))


@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize("error", [Failure, KeyboardInterrupt])
def test_interrupted_between_part_and_manifest_it_resumes(error, number, texts, models, folder, monkeypatch):
    calls = []
    write = checkpoint_module.atomic_writer

    def failing(path):
        calls.append(path)
        if len(calls) > number:
            raise error
        return write(path)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint_module, "atomic_writer", failing)
        with pytest.raises(error):
            train(texts, folder)
    assert os.path.basename(calls[0]) == "checkpoint.json"
    assert len(list(folder.glob("*.counts"))) == number + 1
    assert train(texts, folder) == models


@pytest.mark.parametrize("number", [0, 3, 8])
def test_interrupted_while_a_part_is_written_it_resumes(number, texts, models, folder, monkeypatch):
    calls = []
    write = counts_file.write_block

    def failing(*given):
        calls.append(None)
        if len(calls) > 2 * number + 1:
            raise OSError(28, "No space left on device")
        return write(*given)

    with monkeypatch.context() as patch:
        patch.setattr(counts_file, "write_block", failing)
        with pytest.raises(OSError, match="No space"):
            train(texts, folder)
    assert all(name.endswith((".counts", ".json")) for name in contents(folder) if folder.exists())
    assert train(texts, folder) == models
