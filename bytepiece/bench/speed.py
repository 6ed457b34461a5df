"""How fast tokenizers with the same vocabulary encode some texts."""

from __future__ import annotations

import os
import pickle
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bytepiece.bench.peers import OTHERS, THIS, Peer
from bytepiece.bench.process import Process
from bytepiece.bench.rounds import alternate
from bytepiece.bench.worker import DIGEST_BYTES
from bytepiece.errors import BenchError, BytePieceError, SettingsError, check_int
from bytepiece.model.model import Model
from bytepiece.text.normal_form import normalize

__all__ = ["Contest", "Result", "Speed"]


class Speed(NamedTuple):
    """How one of the tokenizers encoded the texts.

    Attributes:
        peer: the tokenizer.
        seconds: for all texts, in each round.
        n_ids: the number of all ids.
        differing: the number of texts whose ids are not those of this project.
    """

    peer: Peer
    seconds: list[float]
    n_ids: int
    differing: int


class Result(NamedTuple):
    """How fast each of the tokenizers is.

    Attributes:
        speeds: this project's first.
        documents: the number of texts.
        n_bytes: their bytes in UTF-8.
    """

    speeds: list[Speed]
    documents: int
    n_bytes: int


class Contest:
    """Tokenizers that take turns. Each has a process of its own and one thread.

    Use it in a ``with`` statement, which ends the processes.

    Args:
        model: the vocabulary of all. Other libraries get it as `bytepiece.exchange` writes it.
        peers: who else takes part, if it can.

    Attributes:
        model: the model.
        left_out: who does not take part, and why.

    Raises `OSError` if there is no room for the files of the model.

    >>> from bytepiece.model.model import Model
    >>> with Contest(Model.from_counts({"he": 2, "llo": 3}), peers=()) as contest:
    ...     result = contest.measure(["hello"], rounds=1)
    >>> result.documents, result.n_bytes, result.speeds[0].n_ids
    (1, 5, 2)
    """

    def __init__(self, model: Model, peers: Iterable[Peer] = OTHERS) -> None:
        self.model = model
        self.left_out: dict[str, str] = {}
        self._processes: dict[Peer, Process] = {}
        self._open = ExitStack()
        with self._open:
            self._folder = self._open.enter_context(tempfile.TemporaryDirectory())
            for peer in (THIS, *peers):
                self._add(peer)
            self._open = self._open.pop_all()  # nothing failed

    def _add(self, peer: Peer) -> None:
        """Start the process of a tokenizer, if it is installed and can have the model."""
        if not peer.installed:
            self.left_out[peer.label] = "not installed"
            return
        path = os.path.join(self._folder, f"{len(self._processes)}.model")
        try:
            peer.write(self.model, path)
        except BytePieceError as error:
            self.left_out[peer.label] = str(error)
            return
        self._processes[peer] = process = Process(peer.label, peer.module, path, peer.python)
        self._open.callback(process.close)

    def __enter__(self) -> Contest:
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def measure(self, texts: Sequence[str], rounds: int, advance: Callable[[], object] = lambda: None) -> Result:
        """Encode texts with each tokenizer, one text at a time, in some rounds of turns.

        If the model normalizes, all get normalized texts, as others do not normalize. Ids are compared first. Whoever
        fails there is left out from then on.

        Args:
            texts: at least one, not all of them empty.
            rounds: how often each of them encodes all texts.
            advance: called after each turn.

        Raises `BenchError` if a tokenizer fails later, and `SettingsError` for a wrong argument.
        """
        check_int("rounds", rounds, 1, 10**6)
        texts = [normalize(text, self.model.normalization) for text in texts]
        n_bytes = sum(len(text.encode()) for text in texts)
        if n_bytes == 0:
            raise SettingsError("there is no text to encode")
        path = os.path.join(self._folder, "texts")
        with open(path, "wb") as file:
            pickle.dump(texts, file)
        found = self._ids(path)

        def job(peer: Peer) -> Callable[[], float]:
            def run() -> float:
                seconds: float = self._processes[peer].ask("time")
                advance()
                return seconds

            return run

        seconds = alternate({peer.label: job(peer) for peer in found}, rounds)
        digests = {peer: digests for peer, (_, digests) in found.items()}
        speeds = [
            Speed(peer, seconds[peer.label], n_ids, int(np.count_nonzero(digests[peer] != digests[THIS])))
            for peer, (n_ids, _) in found.items()
        ]
        return Result(speeds, len(texts), n_bytes)

    def _ids(self, path: str) -> dict[Peer, tuple[int, NDArray[np.void]]]:
        """The number of all ids, and a digest of those of each text, by each tokenizer; ``path`` has the texts."""
        found = {}
        digests = os.path.join(self._folder, "digests")
        for peer, process in [*self._processes.items()]:
            try:
                process.ask("read", path)
                n_ids: int = process.ask("digest", digests)
            except BenchError as error:
                if peer is THIS:
                    raise
                self.left_out[peer.label] = str(error)
                del self._processes[peer]
                process.close()
            else:
                found[peer] = n_ids, np.fromfile(digests, np.dtype((np.void, DIGEST_BYTES)))
        return found
