"""The verb that converts models."""

import json

import pytest

from bytepiece import Model, SettingsError
from bytepiece.cli.main import main
from bytepiece.exchange import (
    export_model,
)


class TestConvert:
    @pytest.fixture
    def model_path(self, tmp_path, byte_model):
        byte_model.save(tmp_path / "my.model")
        return str(tmp_path / "my.model")

    def test_each_kind_and_back(self, model_path, tmp_path, byte_model, capsys):
        for kind in ("huggingface", "sentencepiece", "bytepiece"):
            out = str(tmp_path / kind)
            assert main(["convert", model_path, "--to", kind, out, "--force"]) == 0
            assert main(["convert", out, "--to", "bytepiece", str(tmp_path / "back")]) == 0
            assert Model.load(tmp_path / "back") == byte_model
        assert capsys.readouterr() == ("", "")

    def test_json(self, model_path, tmp_path, byte_model, capsys):
        out = tmp_path / "out.json"
        assert main(["convert", model_path, "--to", "json", str(out)]) == 0
        assert Model.load(out).counts == byte_model.counts
        assert "NFC" in capsys.readouterr().err
        assert main(["convert", str(out), "--to", "json", str(tmp_path / "again.json")]) == 0
        assert (tmp_path / "again.json").read_bytes() == out.read_bytes()
        assert capsys.readouterr().err == ""

    def test_special_tokens_can_be_added(self, model_path, tmp_path, byte_model, capsys):
        out = tmp_path / "chat.model"
        flags = ["--special-token", "<|user|>", "--special-token", "<|end|>"]
        assert main(["convert", model_path, str(out), *flags]) == 0
        assert Model.load(out) == byte_model.with_special_tokens(["<|user|>", "<|end|>"])
        assert capsys.readouterr() == ("", "")
        assert main(["convert", str(out), str(tmp_path / "again"), "--special-token", "<|end|>"]) == 1
        assert "'<|end|>' already" in capsys.readouterr().err
        assert not (tmp_path / "again").exists()

    def test_problems(self, model_path, tmp_path, capsys):
        listed = tmp_path / "problems.tsv"
        arguments = ["convert", model_path, "--to", "sentencepiece", str(tmp_path / "sp")]
        assert main([*arguments, "--problems", str(listed)]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("bytepiece convert: SentencePiece cannot use 1 of 263 pieces")
        assert err.count("\n") == 1
        assert listed.read_text(encoding="utf-8").splitlines() == [
            "265\t你好\t9\tholds U+4F60, a character without a piece of its own"
        ]
        assert main([*arguments, "--force"]) == 0
        assert (tmp_path / "sp").exists()

    def test_a_note_where_the_model_normalizes(self, byte_model, tmp_path, capsys):
        Model(byte_model.pieces, byte_model.counts, {"normalization": "nfc"}).save(tmp_path / "nfc.model")
        arguments = ["convert", str(tmp_path / "nfc.model"), "--to", "sentencepiece", str(tmp_path / "sp"), "--force"]
        assert main(arguments) == 0
        assert "apply NFC" in capsys.readouterr().err

    def test_special_tokens_in_text(self, byte_model, tmp_path, capsys):
        byte_model.with_special_tokens(["<x>", "<y>"]).save(tmp_path / "special.model")

        def added_tokens(*flags):
            arguments = [str(tmp_path / "special.model"), "--to", "huggingface", str(tmp_path / "hf")]
            assert main(["convert", *arguments, *flags]) == 0
            return len(json.loads((tmp_path / "hf" / "tokenizer.json").read_bytes())["added_tokens"])

        assert added_tokens() == 5
        assert "special tokens (2 and the reserved ones) are found in any text" in capsys.readouterr().err
        assert added_tokens("--special-tokens-as-text") == 0
        assert "stay text" in capsys.readouterr().err

    def test_nothing_to_say(self, model_path, tmp_path, capsys):
        assert main(["convert", model_path, "--to", "huggingface", str(tmp_path / "hf"), "--auto-map"]) == 0
        assert capsys.readouterr().err == ""
        assert (tmp_path / "hf" / "tokenization_bytepiece.py").exists()

    def test_unknown_kind(self, byte_model, tmp_path):
        with pytest.raises(SettingsError, match=r"format must be one of huggingface, .*, not 'xml'"):
            export_model(byte_model, tmp_path / "out", "xml")
