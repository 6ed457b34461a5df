"""The speed of a model beside other tokenizers that have the same vocabulary.

`speed` has the whole of it: `peers` says who takes part and writes the model for each of them, `process` starts a
process for each, in which `worker` encodes, and `rounds` lets them take turns. `report` puts the result into a table.
"""
