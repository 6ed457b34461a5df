"""Engines: who runs the tasks of a training, here or on the machines of a cluster."""
