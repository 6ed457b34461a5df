"""Corpora as files of ids, which training frameworks map into memory."""
