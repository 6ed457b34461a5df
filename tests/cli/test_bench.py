"""The verb ``bench``."""

import json
import re

import pytest

from bytepiece.bench.peers import OTHERS

ONCE = "--rounds", "1"


def rows_of(table):
    return {cells[0]: cells[1:] for cells in (re.split(r" *\| *", line)[1:-1] for line in table.splitlines()) if cells}


@pytest.mark.slow
class TestTable:
    def test_has_all_that_are_installed(self, ok, model_path, corpus):
        text = ok("bench", "--model", model_path, corpus, *ONCE).decode()
        rows = rows_of(text)
        assert float(rows["this project"][0]) > 0
        for peer in OTHERS:
            assert peer.installed == (peer.label in rows) == (f"Left out: {peer.label}: not installed." not in text)

    def test_to_a_file(self, ok, model_path, corpus, tmp_path):
        assert ok("bench", "--model", model_path, corpus, *ONCE, "--output", tmp_path / "speed.md") == b""
        assert "this project" in rows_of((tmp_path / "speed.md").read_text())

    def test_reads_no_more_than_it_should(self, ok, model_path, tmp_path):
        (tmp_path / "a.jsonl").write_text((json.dumps({"body": "hello"}) + "\n") * 1000)
        arguments = "--text-field", "body", "--max-bytes", "100", *ONCE
        assert b" 20 documents, 0.00 MB; 1 round, " in ok("bench", "--model", model_path, tmp_path, *arguments)


class TestErrors:
    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (["nothing.txt"], "nothing.txt: No such file"),
            (["{}", "--rounds", "0"], "rounds must be 1 to"),
            (["{}", "--max-bytes", "5"], "corpus.txt, line 1: longer than 5 bytes"),
            (["{}", "--output", "nowhere/table"], "nowhere"),
        ],
    )
    def test_is_one_line(self, error, model_path, corpus, arguments, says):
        assert says in error("bench", "--model", model_path, *(each.format(corpus) for each in arguments))

    @pytest.mark.parametrize(("arguments", "says"), [([], "INPUT"), (["a", "--max-bytes", "much"], "--max-bytes")])
    def test_usage(self, error, model_path, arguments, says):
        assert says in error("bench", "--model", model_path, *arguments, status=2)

    def test_no_text(self, error, model_path, tmp_path):
        (tmp_path / "empty.txt").touch()
        assert "no text to encode" in error("bench", "--model", model_path, tmp_path)

    def test_no_model(self, error, corpus):
        assert "--model" in error("bench", corpus, status=2)
