"""The verb ``shards``, and ``decode --shards``."""

import json

import pytest

from bytepiece import LocalEngine, Tokenizer, read_shards
from helpers.processes import run_command


@pytest.fixture
def documents(tmp_path):
    path = tmp_path / "in.jsonl"
    texts = ["the cat\n", "漢字 <eos>", "x" * 100, ""]
    path.write_text("".join(json.dumps({"body": text}) + "\n" for text in texts))
    return path, [text for text in texts if text]


class TestShards:
    def test_writes_verifies_and_decodes(self, run, model_path, documents, tmp_path):
        path, texts = documents
        output = str(tmp_path / "out")
        arguments = ["shards", str(path), "--model", model_path, "--output", output, "--text-field", "body"]
        status, _, says = run(*arguments, "--shard-tokens", "50")
        assert (status, says) == (
            0,
            "bytepiece shards: 3 documents, "
            f"{read_shards(output).n_tokens} tokens, 120 bytes of text in 2 shards; 1 empty documents are left out\n",
        )
        tokenizer = Tokenizer(model_path)
        assert [ids.tolist() for ids in read_shards(output)] == [[*tokenizer.encode(text), 2] for text in texts]
        assert run("shards", "--verify", output) == (0, b"", f"bytepiece shards: {output}: all is well\n")
        assert run("decode", "--shards", output)[:2] == (0, "".join(texts).encode())
        lines = run("decode", "--shards", output, "--jsonl")[1].splitlines()
        assert [json.loads(line)["text"] for line in lines] == texts

    def test_parts(self, run, model_path, documents, tmp_path):
        path, texts = documents
        arguments = ["shards", str(path), "--model", model_path, "--text-field", "body", "--quiet"]
        for part in ("1/3", "2/3", "3/3"):
            assert run(*arguments, "--output", str(tmp_path / "out"), "--part", part) == (0, b"", "")
        assert run("decode", "--shards", str(tmp_path / "out"))[1] == "".join(texts).encode()

    def test_documents_that_are_too_long(self, run, model_path, documents, tmp_path):
        arguments = ["shards", str(documents[0]), "--model", model_path, "--text-field", "body"]
        arguments += ["--max-document-bytes", "50", "--on-error", "skip", "--output", str(tmp_path / "out")]
        status, _, says = run(*arguments)
        assert status == 0
        assert "skipped 1 documents that cannot be read, the first: " in says
        assert "in.jsonl, line 3: longer than 50 bytes" in says
        assert "2 documents, " in says

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (["shards"], "give INPUT, --model and --output; or --verify"),
            (["shards", "a.txt", "--verify", "b"], "--verify takes no INPUT"),
            (["shards", "a.txt", "--part", "3"], "invalid part value: '3'"),
            (["shards", "a.txt", "--format", "csv"], "invalid choice: 'csv'"),
            (["shards", "a.txt", "--model", "m", "--output", "b", "--address", "auto"], "go with --engine"),
            (["decode"], "give --model, or --shards"),
            (["decode", "a.txt", "--shards", "b"], "--shards takes no FILE"),
        ],
    )
    def test_usage(self, run, arguments, says):
        status, _, message = run(*arguments)
        assert status == 2
        assert says in message

    def test_workers_with_an_engine(self, run, model_path, documents, tmp_path, monkeypatch):
        monkeypatch.setattr("bytepiece.cli.options.RayEngine", lambda address, workers: LocalEngine(tmp_path, workers))
        arguments = ["shards", str(documents[0]), "--model", model_path, "--text-field", "body", "--engine", "ray"]
        arguments += ["--output", str(tmp_path / "out"), "--quiet"]
        status, _, says = run(*arguments, "--workers", "2")
        assert status == 1
        assert "--task-workers" in says
        assert run(*arguments, "--task-workers", "2") == (0, b"", "")

    def test_one_line_for_what_is_wrong(self, run, model_path, documents, tmp_path):
        path, _ = documents
        arguments = ["shards", str(path), "--model", model_path, "--output", str(tmp_path / "out"), "--quiet"]
        status, output, says = run(*arguments)
        assert (status, output) == (1, b"")
        assert "in.jsonl, line 1: no field 'text'" in says
        assert run(*arguments, "--text-field", "body")[0] == 0
        assert run(*arguments, "--text-field", "other")[0] == 1  # the folder is for another field now
        assert run("shards", "--verify", str(tmp_path / "none"))[0] == 1

    def test_says_what_was_damaged(self, run, model_path, documents, tmp_path):
        path, _ = documents
        output = tmp_path / "out"
        run("shards", str(path), "--model", model_path, "--output", str(output), "--text-field", "body")
        data = bytearray((output / "shard-00000.bin").read_bytes())
        data[0] ^= 1
        (output / "shard-00000.bin").write_bytes(data)
        status, _, says = run("shards", "--verify", str(output))
        assert status == 1
        assert "shard-00000.bin: damaged: its SHA-256" in says


@pytest.mark.slow
def test_file_size_limit(model_path, documents, tmp_path):
    """A disk without room, or a limit of the system: one line, and status 1."""
    resource = pytest.importorskip("resource")
    path = tmp_path / "big.txt"
    path.write_bytes(b"the cat sat on the mat\n" * 50_000)

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    output = tmp_path / "out"
    arguments = ["shards", path, "--model", model_path, "--output", output, "--shard-tokens", "90000", "--quiet"]
    done = run_command(*arguments, preexec_fn=limited)
    assert done.returncode == 0
    done = run_command(*arguments[:5], tmp_path / "two", "--quiet", preexec_fn=limited)
    assert done.returncode == 1
    assert done.stderr.decode().count("\n") == 1
    assert "File too large" in done.stderr.decode()
    assert [file.name for file in (tmp_path / "two").iterdir() if file.suffix == ".tmp"] == []
