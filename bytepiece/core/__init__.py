"""Kernels: they know bytes, arrays and automata, but no files and no models.

From below: `memory`, `buffers`, `utf8` and `sorting` are for kernels only; `packed` is the type for many byte strings;
`alphabet` and `automaton` find pieces in a text; `segment` finds the best path, `sampling` and `nbest` find others,
`stream` takes a text in parts; `ids` holds what they return. `names`, `marks` and `offsets` serve special tokens and
offsets, `nfc` the normal form.
"""
