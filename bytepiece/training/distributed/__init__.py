"""Training on a corpus in parts, which tasks of an engine read."""
