"""Tokenizers pickled, copied, and used in other threads and processes."""

import copy
import json
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha256
from importlib.util import find_spec
from operator import methodcaller

import pytest

from bytepiece import Model, Tokenizer
from helpers.processes import run_python
from helpers.special import END, START, TEXTS

TEXT = f"{START}he said{END}hello\n"

encode_it = methodcaller("encode", TEXT, alpha=0.0, seed=1, allowed_special="all")  # which other processes can import

DATASETS_SCRIPT = """
import json, os
import datasets
from bytepiece import Tokenizer

def encode(batch):
    return {"ids": tokenizer.encode_batch(batch["text"], allowed_special="all")}

if __name__ == "__main__":
    datasets.disable_progress_bars()
    tokenizer = Tokenizer("model")
    if not os.path.exists("rows"):
        rows = {"text": [f"he said {k} <|im_end|>" for k in range(20)]}
        datasets.Dataset.from_dict(rows).save_to_disk("rows")
    before = set(os.listdir("rows"))
    rows = datasets.load_from_disk("rows").map(encode, batched=True, batch_size=3, num_proc=2)
    print("new" if set(os.listdir("rows")) - before else "cached", rows._fingerprint)
    print(json.dumps([list(ids) for ids in rows["ids"]]))
"""


class TestCopies:
    def test_equal_models_have_one_pickle(self, model, tmp_path):
        model.save(tmp_path / "model")
        loaded = Model.load(tmp_path / "model")
        again = pickle.loads(pickle.dumps(loaded))
        used = Tokenizer(again)
        encode_it(used)
        used.decode(used.encode(TEXT)), used.decode_with_offsets([5]), used.encode_with_offsets(TEXT)
        expected = pickle.dumps(Tokenizer(model))
        assert {pickle.dumps(Tokenizer(loaded)), pickle.dumps(used), pickle.dumps(copy.deepcopy(used))} == {expected}

    def test_settings_in_another_order_are_the_same_pickle(self, byte_model):
        pieces, counts = byte_model.pieces, byte_model.counts
        assert pickle.dumps(Model(pieces, counts, {"a": "x", "b": "x"})) == pickle.dumps(
            Model(pieces, counts, {"b": "".join(["x"]), "a": "x"})
        )

    def test_it_has_little_more_than_the_pieces(self, model):
        pieces = b"".join(model.pieces)
        assert len(pickle.dumps(Tokenizer(model))) < len(pieces) + 12 * len(model.pieces) + 1000

    @pytest.mark.parametrize("how", [copy.copy, copy.deepcopy])
    def test_a_copy_takes_no_memory(self, tokenizer, how):
        assert how(tokenizer) is tokenizer
        assert how(tokenizer.model) is tokenizer.model

    def test_a_closure_keeps_one_pickle(self, tokenizer):
        # What `datasets.map` does to find its cache: it pickles the function with all that it refers to.
        dill = pytest.importorskip("dill")

        def function(example):
            return {"ids": tokenizer.encode(example["text"])}

        before = dill.dumps(function, recurse=True)
        function({"text": TEXT})
        encode_it(tokenizer)
        assert dill.dumps(function, recurse=True) == before

    @pytest.mark.slow
    def test_pickles_are_the_same_in_other_processes(self, model, tmp_path):
        model.save(tmp_path / "model")
        code = """
            import pickle, sys
            from hashlib import sha256
            from bytepiece import Tokenizer
            tokenizer = Tokenizer(sys.argv[1])
            tokenizer.encode("x", allowed_special="all", alpha=0)
            print(sha256(pickle.dumps(tokenizer, 4)).hexdigest())
        """
        for hash_seed in ("1", "2"):
            done = run_python(code, tmp_path / "model", environment={"PYTHONHASHSEED": hash_seed}, check=True)
            assert done.stdout.strip() == sha256(pickle.dumps(Tokenizer(model), 4)).hexdigest()

    @pytest.mark.skipif(find_spec("datasets") is None, reason="needs datasets")
    def test_datasets_map_in_processes_and_find_their_cache(self, model, tmp_path):
        model.save(tmp_path / "model")
        (tmp_path / "script.py").write_text(DATASETS_SCRIPT)
        environment = os.environ | {"HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1"}
        outputs = [
            subprocess.run(
                [sys.executable, "script.py"],
                cwd=tmp_path,
                env=environment | {"PYTHONHASHSEED": str(number)},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for number in (1, 2)
        ]
        assert outputs[0] == outputs[1].replace("cached", "new")
        assert "cached" in outputs[1]
        ids = json.loads(outputs[0].splitlines()[-1])
        assert ids == Tokenizer(model).encode_batch([f"he said {k} {END}" for k in range(20)], allowed_special="all")

    @pytest.mark.slow
    @pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
    @pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
    def test_in_other_processes(self, byte_model, method):
        tokenizer = Tokenizer(byte_model.with_special_tokens([START, END]))
        expected = encode_it(tokenizer)
        # Not a `multiprocessing.Pool`, which waits for ever for a process that could not read its task.
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as executor:
            assert list(executor.map(encode_it, [tokenizer] * 3)) == [expected] * 3

    @pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
    def test_after_a_batch_in_threads_forks_work(self, tokenizer):
        if "fork" not in multiprocessing.get_all_start_methods():
            pytest.skip("needs fork")
        tokenizer.encode_batch(TEXTS * 10, 2)
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as executor:
            assert executor.submit(encode_it, tokenizer).result() == encode_it(tokenizer)

    def test_threads_that_share_one(self, byte_model):
        tokenizer = Tokenizer(byte_model.with_special_tokens([START, END]))
        reference = Tokenizer(byte_model.with_special_tokens([START, END]))
        allowed = ["all", {START}, frozenset([END]), (), {START, END}]
        texts = [f"{START}{k}{END}" * 20 for k in range(40)]
        expected = [[reference.encode(text, allowed_special=each) for text in texts] for each in allowed]
        barrier = threading.Barrier(len(allowed))
        results = [None] * len(allowed)

        def work(k):
            barrier.wait(timeout=60)
            results[k] = [tokenizer.encode(text, allowed_special=allowed[k]) for text in texts]

        threads = [threading.Thread(target=work, args=(k,)) for k in range(len(allowed))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == expected
