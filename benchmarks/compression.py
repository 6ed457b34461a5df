"""Bytes per token on held-out text, with and without refinement, and of SentencePiece where it is installed.

python benchmarks/compression.py TRAIN.jsonl --vocab-size 32000 --min-count 4 --valid zh.jsonl en.jsonl ...
"""

import argparse
import re
import tempfile
import time
from pathlib import Path

from bytepiece import Corpus, Tokenizer, Trainer


def report(name, seconds, count, files):
    row, n_bytes, n_tokens = [], 0, 0
    for path in files:
        texts = list(Corpus([path]))
        size, tokens = sum(len(text.encode()) for text in texts), sum(map(count, texts))
        row.append(f"{Path(path).stem} {size / tokens:.3f}")
        n_bytes, n_tokens = n_bytes + size, n_tokens + tokens
    print(f"{name}: mix {n_bytes / n_tokens:.3f}  {'  '.join(row)}  trained in {seconds:.1f} s", flush=True)


def sentencepiece(texts, options):
    try:
        import sentencepiece as spm
    except ImportError:
        return
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "text")
        source.write_text("".join(text.rstrip("\n") + "\n" for text in texts), encoding="utf-8")
        start = time.perf_counter()
        spm.SentencePieceTrainer.train(
            input=str(source),
            model_prefix=str(source),
            vocab_size=options.vocab_size,
            model_type="bpe",
            split_by_whitespace=False,
            split_by_unicode_script=False,
            split_by_number=False,
            max_sentencepiece_length=24,
            byte_fallback=True,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            add_dummy_prefix=False,
            allow_whitespace_only_pieces=True,
            num_threads=options.workers,
            max_sentence_length=100_000_000,
        )
        seconds = time.perf_counter() - start
        processor = spm.SentencePieceProcessor(model_file=f"{source}.model")

    def count(text):
        """It knows no newlines: each line by itself, and one token for each run of them."""
        return sum(1 if part[0] == "\n" else len(processor.encode(part)) for part in re.findall(r"\n+|[^\n]+", text))

    report("SentencePiece BPE across spaces", seconds, count, options.valid)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train")
    parser.add_argument("--valid", nargs="+", required=True)
    parser.add_argument("--vocab-size", type=int, default=32000)
    parser.add_argument("--min-count", type=int, default=4)
    parser.add_argument("--refine-rounds", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--sentencepiece", action="store_true")
    options = parser.parse_args()
    texts = list(Corpus([options.train]))
    for rounds in sorted({0, options.refine_rounds}):
        trainer = Trainer(max_vocab_size=options.vocab_size, min_count=options.min_count, refine_rounds=rounds)
        start = time.perf_counter()
        trainer.train(texts, workers=options.workers, progress=False)
        seconds = time.perf_counter() - start
        tokenizer = Tokenizer(trainer.models[options.vocab_size])
        report(
            f"refine_rounds={rounds}",
            seconds,
            lambda text, tokenizer=tokenizer: len(tokenizer.encode(text)),
            options.valid,
        )
    if options.sentencepiece:
        sentencepiece(texts, options)


if __name__ == "__main__":
    main()
