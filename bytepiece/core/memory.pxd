"""Memory: large pages, prefetching, and pools that free all they own at once."""

from libc.stdlib cimport calloc, free


cdef extern from *:
    """
    #ifndef BYTEPIECE_MEMORY
    #define BYTEPIECE_MEMORY
    #include <stdint.h>
    #include <stdlib.h>
    #if SIZE_MAX < UINT64_MAX
    #error "BytePiece needs a system of 64 bits: sizes are multiplied in 64"
    #endif
    #if defined(__linux__)
    #include <sys/mman.h>
    #include <unistd.h>
    #endif

    /* Memory for a table that is read at random, to be freed by free(). It lies in pages of 2 MB where the system has
       them: with pages of 4 KB, translating addresses would take much of the time. */
    static inline void *bytepiece_allocate_table(size_t size) {
    #if defined(__linux__) && defined(MADV_HUGEPAGE)
        void *table;
        const size_t page = (size_t)1 << 21;
        if (size >= page) {
            if (posix_memalign(&table, page, size))
                return NULL;
            madvise(table, size, MADV_HUGEPAGE);
            return table;
        }
    #endif
        return malloc(size);
    }

    /* Asks for such pages for memory that was allocated elsewhere and is about to be filled. Touching many small pages
       for the first time is what a long result costs most; large ones pay from 16 MB on. */
    static inline void bytepiece_use_large_pages(void *memory, size_t size) {
    #if defined(__linux__) && defined(MADV_HUGEPAGE)
        const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
        const uintptr_t begin = ((uintptr_t)memory + page - 1) / page * page;
        if (size >= (size_t)1 << 24)
            madvise((void *)begin, (uintptr_t)memory + size - begin, MADV_HUGEPAGE);
    #else
        (void)memory;
        (void)size;
    #endif
    }

    /* Gives freed memory back to the system, where the C library would keep it: what is free now, and from now on
       each large block as soon as it is freed. */
    #if defined(__GLIBC__)
    #include <malloc.h>
    #define bytepiece_trim() ((void)malloc_trim(0))
    static inline void bytepiece_keep_no_large_blocks(void) {
        mallopt(M_MMAP_THRESHOLD, 1 << 18);
        /* What is free at the end of a heap: if less were kept, it would go and come all the time. */
        mallopt(M_TRIM_THRESHOLD, 1 << 21);
    }
    #else
    #define bytepiece_trim() ((void)0)
    #define bytepiece_keep_no_large_blocks() ((void)0)
    #endif

    /* Starts to load memory that is read soon; the address need not be valid. */
    #if defined(__GNUC__) || defined(__clang__)
    #define bytepiece_prefetch(address) __builtin_prefetch(address)
    #elif defined(_MSC_VER) && (defined(_M_X64) || defined(_M_IX86))
    #include <xmmintrin.h>
    #define bytepiece_prefetch(address) _mm_prefetch((const char *)(address), _MM_HINT_T0)
    #else
    #define bytepiece_prefetch(address) ((void)(address))
    #endif
    #endif
    """
    void *allocate_table "bytepiece_allocate_table"(size_t size) noexcept nogil
    void use_large_pages "bytepiece_use_large_pages"(void *memory, size_t size) noexcept nogil
    void trim_memory "bytepiece_trim"() noexcept nogil
    void keep_no_large_blocks "bytepiece_keep_no_large_blocks"() noexcept nogil
    void prefetch "bytepiece_prefetch"(const void *address) noexcept nogil


cdef enum:
    POOL_SIZE = 48


# The owner of scratch memory: what is allocated from a pool lives as long as the pool. Starts as zeros.
cdef struct Pool:
    void *blocks[48]    # POOL_SIZE
    int n_blocks


cdef inline int out_of_memory() except -1 nogil:
    raise MemoryError("no memory for the automaton")


cdef inline void *pool_array(Pool *pool, size_t n, size_t size) except NULL nogil:
    """A new array of `n` items of `size` bytes, all zero, which the pool owns."""
    cdef void *block = NULL
    if pool.n_blocks < POOL_SIZE:
        block = calloc(n + 1, size)  # calloc checks the product
    if block == NULL:
        out_of_memory()
    pool.blocks[pool.n_blocks] = block
    pool.n_blocks += 1
    return block


cdef inline void pool_free(Pool *pool) noexcept nogil:
    """Free all that the pool owns."""
    cdef int k
    for k in range(pool.n_blocks):
        free(pool.blocks[k])
    pool.n_blocks = 0
