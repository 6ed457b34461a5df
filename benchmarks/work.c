/* Counts work instead of seconds, for costs.py: the basic blocks that kernels of a `work` build go through, and the words
   that they move, compare and search. Preloaded; x86-64 and others. */

#include <stddef.h>
#include <stdint.h>

static uint64_t work;

uint64_t take_work(void) {
    uint64_t taken = work;
    work = 0;
    return taken;
}

void __sanitizer_cov_trace_pc(void) { work += 1; }

#define COUNT(size) (work += (size) / 16)

void *memcpy(void *to, const void *from, size_t n) {
    char *a = to;
    const char *b = from;
    COUNT(n);
    for (size_t k = 0; k < n; k++)
        a[k] = b[k];
    return to;
}

void *memmove(void *to, const void *from, size_t n) {
    char *a = to;
    const char *b = from;
    COUNT(n);
    if (a < b)
        for (size_t k = 0; k < n; k++)
            a[k] = b[k];
    else
        for (size_t k = n; k > 0; k--)
            a[k - 1] = b[k - 1];
    return to;
}

void *memset(void *to, int byte, size_t n) {
    char *a = to;
    COUNT(n);
    for (size_t k = 0; k < n; k++)
        a[k] = (char)byte;
    return to;
}

int memcmp(const void *left, const void *right, size_t n) {
    const unsigned char *a = left, *b = right;
    size_t k = 0;
    while (k < n && a[k] == b[k])
        k += 1;
    COUNT(k);
    return k < n ? a[k] - b[k] : 0;
}

void *memchr(const void *text, int byte, size_t n) {
    const unsigned char *a = text;
    size_t k = 0;
    while (k < n && a[k] != (unsigned char)byte)
        k += 1;
    COUNT(k);
    return k < n ? (void *)(a + k) : NULL;
}
