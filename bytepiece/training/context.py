"""What every phase of a training needs, in one object."""

from __future__ import annotations

from dataclasses import dataclass, field

from bytepiece.training.counting.checkpoint import Checkpoint
from bytepiece.training.progress import Progress
from bytepiece.training.resources import Resources
from bytepiece.training.workers import Threads

__all__ = ["Context"]


@dataclass(frozen=True)
class Context:
    """The surroundings of a training.

    Attributes:
        resources: threads, memory and disk that it may use.
        progress: where it tells how far it has come.
        checkpoint: where it keeps finished parts, or None.
    """

    resources: Resources = field(default_factory=Resources)
    progress: Progress = field(default_factory=Progress)
    checkpoint: Checkpoint | None = None

    @property
    def threads(self) -> Threads:
        """The threads to which work is shared out."""
        return Threads(self.resources.workers)
