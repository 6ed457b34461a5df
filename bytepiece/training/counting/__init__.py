"""Counting a corpus: sorted counts that merge, go to disk and travel."""
