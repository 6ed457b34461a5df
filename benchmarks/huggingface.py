"""transformers with this library inside, beside its fast tokenizer; and the columns of a dataset."""

from __future__ import annotations

import argparse
import os
import tempfile
import warnings
from collections.abc import Callable
from importlib.metadata import version
from statistics import median

from texts import documents, n_bytes
from timing import progress, table, timed

from bytepiece import Model, Tokenizer
from bytepiece.bench.machine import Others, machine
from bytepiece.bench.rounds import Seconds, alternate, ratio
from bytepiece.exchange import to_huggingface

os.environ["TRANSFORMERS_VERBOSITY"] = "error"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=f"{__doc__} Both classes of transformers load one export and encode the same documents, in one "
        "call, and one by one without keeping results; ids and masks are compared. `Dataset.map` writes a column of "
        "ids by `encode_batch` and by `encode_to_arrow`, with two processes; it is repeated to see whether its cache "
        "is found again."
    )
    parser.add_argument("corpus", help=".jsonl, also .xz or .gz")
    parser.add_argument("--model", required=True, help="this project's format or BytePiece's JSON")
    parser.add_argument("--megabytes", type=float, default=29, metavar="N", help="of the corpus (default %(default)s)")
    parser.add_argument("--repeat", type=int, default=6, metavar="N", help="for datasets (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="default %(default)s")
    options = parser.parse_args()

    model = Model.load(options.model)
    texts = beginning(documents(options.corpus), options.megabytes * 1e6)
    others = Others()
    with tempfile.TemporaryDirectory() as folder:
        calls = classes(model, texts, folder, options.rounds)
        maps = datasets_map(options.model, texts * options.repeat, folder, options.rounds)
    print(f"{machine()}; transformers {version('transformers')}, tokenizers {version('tokenizers')}, ", end="")
    print(f"datasets {version('datasets')}.\n{os.path.basename(options.model)}: {model.vocab_size} ids; {others}")
    report(f"\ntransformers, {len(texts)} documents", n_bytes(texts), calls)
    report("datasets.map(num_proc=2)", n_bytes(texts) * options.repeat, maps)


def beginning(texts: list[str], size: float) -> list[str]:
    """The first documents, of about this many bytes."""
    kept = []
    for text in texts:
        kept.append(text)
        size -= len(text.encode())
        if size <= 0:
            break
    return kept


def classes(model: Model, texts: list[str], folder: str, rounds: int) -> dict[str, Seconds]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from transformers import PreTrainedTokenizerFast

        from bytepiece.huggingface import BytePieceTokenizer

    progress("transformers")
    path = os.path.join(folder, "hf")
    to_huggingface(model, path)
    both = {"this": BytePieceTokenizer.from_pretrained(path), "fast": PreTrainedTokenizerFast.from_pretrained(path)}
    ways: dict[str, Callable[[object], Callable[[], object]]] = {
        "batch": lambda tokenizer: lambda: tokenizer(texts),  # type: ignore[operator]
        "one by one": lambda tokenizer: lambda: each(tokenizer, texts),
    }
    sample = texts[:2000]
    results = [dict(tokenizer(sample, padding=True, truncation=True, max_length=512)) for tokenizer in both.values()]
    assert results[0] == results[1], "ids or masks differ"
    return {
        way: alternate({name: timed(job(tokenizer)) for name, tokenizer in both.items()}, rounds)
        for way, job in ways.items()
    }


def each(tokenizer: object, texts: list[str]) -> None:
    for text in texts:
        tokenizer(text)  # type: ignore[operator]


def datasets_map(path: str, texts: list[str], folder: str, rounds: int) -> dict[str, Seconds]:
    import datasets

    progress("datasets")
    datasets.disable_progress_bars()
    dataset = datasets.Dataset.from_dict({"text": texts})
    dataset.save_to_disk(os.path.join(folder, "dataset"))  # so that processes map the file
    dataset = datasets.load_from_disk(os.path.join(folder, "dataset"))
    tokenizer = Tokenizer(path)

    def by_lists(batch):  # type: ignore[no-untyped-def]
        return {"ids": tokenizer.encode_batch(batch["text"], 1)}

    def by_arrow(batch):  # type: ignore[no-untyped-def]
        import pyarrow

        return pyarrow.table({"ids": tokenizer.encode_to_arrow(batch["text"], 1)})

    kinds = {"encode_to_arrow": (dataset.with_format("arrow"), by_arrow), "encode_batch": (dataset, by_lists)}
    first: dict[str, object] = {}

    def run(name: str, again: bool) -> object:
        source, function = kinds[name]
        result = source.map(
            function,
            batched=True,
            num_proc=2,
            remove_columns=["text"],
            load_from_cache_file=again,
        )
        first.setdefault(name, result)
        return result

    seconds = alternate({name: timed(lambda name=name: run(name, False)) for name in kinds}, rounds)
    arrow, lists = (first[name].with_format("arrow")[:1000]["ids"].to_pylist() for name in kinds)  # type: ignore[attr-defined]
    assert lists == arrow, "ids differ"
    cached = alternate({name: timed(lambda name=name: run(name, True)) for name in kinds}, 1)
    return {"map": seconds, "from its cache": cached}


def report(title: str, size: int, of_ways: dict[str, Seconds]) -> None:
    print(f"{title}, {size / 1e6:.0f} MB: MB/s, median of the rounds\n")
    for way, seconds in of_ways.items():
        speeds = [f"{size / median(times) / 1e6:.1f}" for times in seconds.values()]
        names = [*seconds]
        faster = ratio(seconds[names[1]], seconds[names[0]])
        table([way, *names, f"{names[0]} / {names[1]}"], [["MB/s", *speeds, f"{faster:.2f}"]])


if __name__ == "__main__":
    main()
