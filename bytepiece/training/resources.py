"""What a training may use: threads, memory and disk. Every limit and share of memory is decided here."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, NoReturn

from bytepiece.errors import SettingsError, TrainingError, check_int
from bytepiece.sizes import parse_size
from bytepiece.workers import check_workers

__all__ = ["SMALLEST_LIMIT", "Resources"]

Amounts = tuple[int, int, int]
"""How many bytes, segments and postings a form of the sample has."""

SMALLEST_LIMIT = 2**26
"""The least memory limit that can be asked for, 64 MB."""


@dataclass(frozen=True)
class Resources:
    """What a training may use.

    Attributes:
        workers: the number of threads.
        memory_limit: bytes beyond the interpreter's own, or None for as much as it takes.
        temp_dir: where temporary files go; None for the system's place.
    """

    workers: int = 1
    memory_limit: int | None = None
    temp_dir: str | None = None

    MERGED_FILES: ClassVar[int] = 16
    """The number of temporary files of similar size that are merged into one. So each count is written few times, and
    few files are open at once."""

    @classmethod
    def checked(
        cls, workers: int | None, memory_limit: int | str | None, temp_dir: str | os.PathLike[str] | None
    ) -> Resources:
        """Resources as users give them: ``workers`` may be None, for one on each processor.

        Raises `SettingsError` for an argument out of range.
        """
        workers = check_workers(workers)
        if isinstance(memory_limit, str):
            memory_limit = parse_size(memory_limit, "memory_limit")
        if memory_limit is not None:
            check_int("memory_limit", memory_limit, SMALLEST_LIMIT, 2**63 - 1)
        if temp_dir is not None and not os.path.isdir(temp_dir):
            raise SettingsError(f"temp_dir: there is no folder {os.fspath(temp_dir)}")
        return cls(workers, memory_limit, None if temp_dir is None else os.fspath(temp_dir))

    @property
    def batch_bytes(self) -> int:
        """Bytes of text in a batch. With a limit, counting one in each thread takes up to three eighths of it."""
        if self.memory_limit is None:
            return 2**21
        return max(2**16, min(2**21, self.memory_limit // (96 * self.workers)))

    @property
    def document_bytes(self) -> int | None:
        """The longest document that is read, in bytes of UTF-8; None for any.

        While it is read and cut, a document is in memory up to six times: as stored, as UTF-8, and, where it is
        normalized, as ``str``, which takes four bytes for each character if one is an emoji.
        """
        return None if self.memory_limit is None else self.memory_limit // 16

    @property
    def model_bytes(self) -> int | None:
        """Memory for the n-gram model: the limit less two batches, a batch and a counter for each thread, and all
        else.
        """  # noqa: D205
        if self.memory_limit is None:
            return None
        batches = (2 + self.workers) * self.batch_bytes
        return self.memory_limit - self._else_bytes - batches - self.workers * self.counter_bytes()

    def store_bytes(self, taken: int = 0) -> int:
        """Memory for the counts of a pass before they go to disk; ``taken`` bytes are in use already.

        Of the limit without ``taken``, the batches and all else, three eighths are for these counts, three eighths are
        kept free for writing them to disk, and a quarter is for the counters of the threads. Counting the n-grams of a
        batch takes 36 times as much memory, where all are distinct.
        """
        if self.memory_limit is None:
            return 2**29
        batches = (2 + 36 * self.workers) * self.batch_bytes
        return max(2**20, (self.memory_limit - taken - batches - self._else_bytes) * 3 // 8)

    @property
    def _else_bytes(self) -> int:
        """Memory for all else: 8 MB, and 2 MB of freed memory that the C library keeps for each thread."""
        return 2**23 + self.workers * 2**21

    @property
    def block_items(self) -> int:
        """The most counts of a block of a temporary file. While files are merged, a block of each is in memory.

        A count takes 16 bytes. It is there up to three times, as read, merged and written, within what `store_bytes`
        keeps free.
        """
        return max(2**12, self.store_bytes() // (3 * 16 * self.MERGED_FILES))

    def counter_bytes(self, taken: int = 0) -> int:
        """Memory for the counts of one thread before they go to the store; sorting them takes somewhat more again."""
        return max(2**17, min(2**23, self.store_bytes(taken) // (6 * self.workers)))

    def stays_in_memory(self, n_bytes: int) -> bool:
        """Whether the counts of a pass may stay in memory during the next one: up to an eighth of the limit."""
        return self.memory_limit is None or n_bytes <= self.memory_limit // 8

    @property
    def open_files(self) -> int:
        """How many files of counts are read side by side. Each takes some MB of memory."""
        return max(self.MERGED_FILES, min(128, (self.memory_limit or 2**30) // 2**24))

    def check_sampling(self, sample_bytes: int, n_bytes: int, refines: bool = True) -> None:
        """Raise `TrainingError` if the limit is too little to read a sample, of which ``n_bytes`` are there by now.

        While it is chosen and sorted, it is in memory more than three times. ``refines`` says whether refinement
        follows, which takes more.
        """
        if self.memory_limit is None or 10 * n_bytes // 3 <= self.memory_limit:
            return
        if refines:
            # What refinement takes at most, see `check_refinement`: segments of two bytes, each in another document.
            self._refuse_refinement(sample_bytes, 2**26 + 12 * sample_bytes, (self.memory_limit - 2**26) // 12)
        self._refuse_sample("taking", sample_bytes, 10 * sample_bytes // 3, 3 * self.memory_limit // 10)

    def check_refinement(
        self, sample_bytes: int, refined: Iterable[Amounts], counted: Iterable[Amounts] = (), share: float = 1
    ) -> None:
        """Raise `TrainingError` if the limit is too little for refinement.

        Args:
            sample_bytes: the size of the sample, for the error.
            refined: the forms of the sample on which vocabularies grow and are pruned, one at a time: words, lines.
            counted: those in which pieces are only counted.
            share: of which share of the sample the last form is.

        All forms are held at once: a byte takes 1 byte, a segment 20, a posting 8 (see
        `bytepiece.training.refinement.kernels.sample`). Work on one takes 64 MB more, and 9 for each byte and 20
        for each segment where vocabularies grow and are pruned, or 2 for each byte where pieces are counted.
        """
        refined, counted, fixed = [*refined], [*counted], 2**26
        held = sum(n_bytes + 20 * n_segments + 8 * n for n_bytes, n_segments, n in refined + counted)
        growing = [9 * n_bytes + 20 * n_segments for n_bytes, n_segments, _ in refined]
        counting = [2 * n_bytes for n_bytes, _, _ in counted]
        needed = fixed + held + max(growing + counting)
        if self.memory_limit is None or needed <= self.memory_limit:
            return
        needed = fixed + int((needed - fixed) / share)
        # Not all of its share: a smaller sample has fewer segments that are there twice.
        fitting = int(0.8 * sample_bytes * (self.memory_limit - fixed) / (needed - fixed))
        self._refuse_refinement(sample_bytes, needed, fitting)

    def _refuse_refinement(self, sample_bytes: int, needed: int, fitting: int) -> NoReturn:
        self._refuse_sample("refinement with", sample_bytes, needed, fitting, ", or train with refine_rounds=0")

    def _refuse_sample(self, work: str, sample_bytes: int, needed: int, fitting: int, otherwise: str = "") -> NoReturn:
        assert self.memory_limit is not None
        raised = -(-needed >> 20)
        smaller = f", take a sample of {fitting >> 20}M (refine_sample)" if fitting >= 2**20 else ""
        raise TrainingError(
            f"{work} a sample of {sample_bytes / 2**20:.1f} MB needs {raised} MB of memory, and the limit "
            f"is {self.memory_limit >> 20} MB: raise it to {raised}M{smaller}{otherwise}"
        )
