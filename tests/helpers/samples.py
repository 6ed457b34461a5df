"""Samples for refinement, of a few segments."""

import numpy as np

from bytepiece.training.refinement.kernels.distinct import SegmentTable


def sample_of(documents):
    """The sample of documents, each a list of segments."""
    table = SegmentTable()
    for number, document in enumerate(documents):
        ends = np.cumsum([len(segment) for segment in document], dtype=np.int64)
        table.add(b"".join(document), ends, np.full(len(document), number, dtype=np.uint32))
    return table.take(len(documents))
