"""N-grams as integers, counted by sorting, and sorted counts merged.

A key holds an n-gram of up to seven bytes: its bytes from the highest down, then zeros, and its length in the lowest
byte. So keys sort as the byte strings do:

    "ab"  ->  61 62 00 00 00 00 00 02
    "abc" ->  61 62 63 00 00 00 00 03

Only the longest n-gram that starts at each byte is counted. Shorter ones are its prefixes, so their counts are sums
over neighbours in the sorted order.
"""

from libc.stdint cimport int64_t, uint8_t, uint64_t

from bytepiece.core.buffers cimport items

import numpy as np


def ngram_keys(bytes data, Py_ssize_t begin, segment_ends, int order):
    """The key of the longest n-gram, up to `order` bytes, that starts at each byte of the segments.

    The first segment starts at `begin` in `data`; `segment_ends` (int64) says where each ends. Returns a uint64 array.
    """
    cdef Py_ssize_t n, n_segments, n_keys, k, start = begin, end, position, length
    cdef const uint8_t *text = <const uint8_t *>items(data, 1, &n)
    cdef const int64_t *ends = <const int64_t *>items(segment_ends, 8, &n_segments)
    cdef uint64_t key, mask
    if not 1 <= order <= MAX_ORDER:
        raise ValueError(f"order {order}")
    if n_segments and not 0 <= begin <= ends[n_segments - 1] <= n:
        raise ValueError("segment ends must ascend within the data")
    keys = np.empty(ends[n_segments - 1] - begin if n_segments else 0, dtype=np.uint64)
    cdef uint64_t *out = <uint64_t *>items(keys, 8, &n_keys, True)
    out -= begin
    mask = ~((<uint64_t>1 << 8 * (8 - order)) - 1)
    with nogil:
        for k in range(n_segments):
            end = ends[k]
            if not start <= end <= begin + n_keys:
                raise ValueError("segment ends must ascend within the data")
            key = 0
            length = 0
            position = end
            while position > start:
                position -= 1
                if length < order:
                    length += 1
                key = (key >> 8 | <uint64_t>text[position] << 56) & mask
                out[position] = key | <uint64_t>length
            start = end
    return keys


def run_lengths(keys):
    """Count the equal neighbours of a sorted uint64 array.

    Returns the distinct keys, which are moved to the front of the array itself, and their counts (uint64).
    """
    cdef Py_ssize_t n, n_counts, k, n_distinct = 0
    cdef uint64_t *key = <uint64_t *>items(keys, 8, &n, True)
    cdef uint64_t *count
    cdef Py_ssize_t start = 0
    if n == 0:
        return keys, np.zeros(0, dtype=np.uint64)
    with nogil:
        n_distinct = 1
        for k in range(1, n):
            n_distinct += key[k] != key[k - 1]
    counts = np.empty(n_distinct, dtype=np.uint64)
    count = <uint64_t *>items(counts, 8, &n_counts, True)
    with nogil:
        n_distinct = 0
        for k in range(1, n + 1):
            if k == n or key[k] != key[start]:
                key[n_distinct] = key[start]
                count[n_distinct] = <uint64_t>(k - start)
                n_distinct += 1
                start = k
    return keys[:n_distinct], counts


def merge_runs(keys_a, counts_a, keys_b, counts_b):
    """Merge two runs of ascending keys with counts; a key of both gets the sum of its counts.

    All arrays are uint64. Returns the keys and counts of the merged run.
    """
    cdef Py_ssize_t n_a, n_b, n, m, i = 0, j = 0, k = 0
    cdef const uint64_t *a = <const uint64_t *>items(keys_a, 8, &n_a)
    cdef const uint64_t *x = <const uint64_t *>items(counts_a, 8, &m)
    cdef const uint64_t *b = <const uint64_t *>items(keys_b, 8, &n_b)
    cdef const uint64_t *y = <const uint64_t *>items(counts_b, 8, &n)
    cdef uint64_t left, right
    cdef bint take_left, take_right
    if m != n_a or n != n_b:
        raise ValueError("each key needs a count")
    keys = np.empty(n_a + n_b, dtype=np.uint64)
    counts = np.empty(n_a + n_b, dtype=np.uint64)
    cdef uint64_t *key = <uint64_t *>items(keys, 8, &n, True)
    cdef uint64_t *count = <uint64_t *>items(counts, 8, &n, True)
    with nogil:
        while i < n_a and j < n_b:
            # No branch on which key is smaller: it would be mispredicted often, and cost more than all the rest.
            left = a[i]
            right = b[j]
            take_left = left <= right
            take_right = right <= left
            key[k] = left if take_left else right
            count[k] = (x[i] if take_left else 0) + (y[j] if take_right else 0)
            i += take_left
            j += take_right
            k += 1
        while i < n_a:
            key[k] = a[i]
            count[k] = x[i]
            i += 1
            k += 1
        while j < n_b:
            key[k] = b[j]
            count[k] = y[j]
            j += 1
            k += 1
    # The arrays shrink in place to what they hold.
    keys.resize(k, refcheck=False)
    counts.resize(k, refcheck=False)
    return keys, counts


cdef inline int shared_bytes(uint64_t a, uint64_t b, int most) noexcept nogil:
    """How many of the first `most` bytes two keys share."""
    cdef int n = 0
    while n < most and not ((a ^ b) >> (56 - 8 * n)) & 0xFF:
        n += 1
    return n


def fold_rare(keys, counts, uint64_t min_count):
    """Give the counts of rare n-grams to their prefixes, so that the n-gram model needs far fewer keys.

    An n-gram is rare if it has four bytes or more and the counts of all keys that begin with it add up to less than
    `min_count`. Its count goes to the n-gram without its last byte, and on from there if that is rare, too. What an
    n-gram that is not rare adds up to stays as it is. With a `min_count` of 3:

        abcdef 2    abcd 3    abcd adds up to 3, abcde to 2, and abcx to 1
        abcd   1    abc  1
        abcx   1

    Keys ascend. Where some of them begin with the same three bytes, all of these must be there. The arrays are uint64,
    and so are those returned: the keys that are left, and their counts.
    """
    cdef Py_ssize_t n, n_counts, k, out
    cdef const uint64_t *key = <const uint64_t *>items(keys, 8, &n)
    cdef const uint64_t *count = <const uint64_t *>items(counts, 8, &n_counts)
    cdef uint64_t last = 0
    cdef uint64_t total[8]    # of the open n-grams, the prefixes of the last key, by length: what they add up to
    cdef uint64_t own[8]      # and what of it no longer n-gram keeps
    cdef int length, common, open_length = 0, j
    if n != n_counts:
        raise ValueError("each key needs a count")
    left_keys = np.empty(n, dtype=np.uint64)
    left_counts = np.empty(n, dtype=np.uint64)
    cdef uint64_t *left_key = <uint64_t *>items(left_keys, 8, &n, True)
    cdef uint64_t *left_count = <uint64_t *>items(left_counts, 8, &n, True)
    total[0] = own[0] = 0
    out = n
    with nogil:
        # From the end, where an n-gram comes after all that begin with it. The step after the last closes what is open.
        for k in range(n - 1, -2, -1):
            length = <int>(key[k] & 0xFF) if k >= 0 else 0
            if length > MAX_ORDER or (k >= 0 and (length == 0 or (k < n - 1 and key[k] >= last))):
                raise ValueError("keys must be those of n-grams, and ascend")
            common = shared_bytes(key[k], last, min(length, open_length)) if k >= 0 else 0
            for j in range(open_length, common, -1):
                total[j - 1] += total[j]
                if j > 3 and total[j] < min_count:
                    own[j - 1] += own[j]
                elif own[j]:
                    out -= 1
                    left_key[out] = (last >> (64 - 8 * j) << (64 - 8 * j)) | <uint64_t>j
                    left_count[out] = own[j]
            if k >= 0:
                for j in range(common + 1, length + 1):
                    total[j] = own[j] = 0
                total[length] += count[k]
                own[length] += count[k]
                open_length = length
                last = key[k]
    return left_keys[out:].copy(), left_counts[out:].copy()
