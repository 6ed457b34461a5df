/* Faults for tests: at one allocation of the package's kernels, or one step of writing a file, it fails, or a signal comes.
   Linux with glibc; loaded before all other libraries by LD_PRELOAD. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

typedef struct {
    atomic_long count; /* events since it was set */
    atomic_long at;    /* the number of the event to which something happens; 0 for none */
    atomic_int error;  /* with which it fails; or less than 0, a signal that comes before it */
} Fault;

static Fault allocations, writes;
static atomic_long live;
static atomic_int ready; /* before that, nobody can be asked who calls */

__attribute__((constructor)) static void begin(void) { ready = 1; }

/* Sets what happens, and when; returns how many events there were since it was set last. */
static long set(Fault *fault, long at, int error) {
    fault->at = 0;
    long count = atomic_exchange(&fault->count, 0);
    fault->error = error;
    fault->at = at;
    return count;
}

static int fails(Fault *fault) {
    long at = fault->at;
    if (!at || atomic_fetch_add(&fault->count, 1) + 1 != at)
        return 0;
    if (fault->error > 0)
        return 1;
    kill(getpid(), -fault->error);
    return 0;
}

long fault_allocations(long at, int error) { return set(&allocations, at, error); }
long fault_writes(long at, int error) { return set(&writes, at, error); }
long live_allocations(void) { return live; }

/* Whether an address is in one of the package's kernels. */
static int is_kernel(void *address) {
    static __thread struct { uintptr_t page; int answer; } known[64];
    uintptr_t page = (uintptr_t)address >> 12;
    Dl_info info;
    if (!ready)
        return 0;
    if (known[page % 64].page != page) {
        int answer = dladdr(address, &info) && info.dli_fname && strstr(info.dli_fname, "/bytepiece/") != NULL;
        known[page % 64].page = page;
        known[page % 64].answer = answer;
    }
    return known[page % 64].answer;
}

#define CALLED_BY_KERNEL is_kernel(__builtin_return_address(0))

/* What an allocation by a kernel gives: memory, which is one more that is live, or nothing. */
#define ALLOCATE(expression)                       \
    void *memory;                                  \
    if (!CALLED_BY_KERNEL)                         \
        return expression;                         \
    if (fails(&allocations)) {                     \
        errno = allocations.error;                 \
        return NULL;                               \
    }                                              \
    memory = expression;                           \
    live += memory != NULL;                        \
    return memory;

void *malloc(size_t size) { ALLOCATE(__libc_malloc(size)) }
void *calloc(size_t n, size_t size) { ALLOCATE(__libc_calloc(n, size)) }

void *realloc(void *old, size_t size) {
    void *memory;
    if (!CALLED_BY_KERNEL)
        return __libc_realloc(old, size);
    if (fails(&allocations)) {
        errno = allocations.error;
        return NULL;
    }
    memory = __libc_realloc(old, size);
    live += old == NULL && memory != NULL;
    return memory;
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    int kernel = CALLED_BY_KERNEL;
    if (kernel && fails(&allocations))
        return ENOMEM;
    *memory = __libc_memalign(alignment, size);
    live += kernel && *memory != NULL;
    return *memory == NULL ? ENOMEM : 0;
}

void free(void *memory) {
    if (memory != NULL && CALLED_BY_KERNEL)
        live -= 1;
    __libc_free(memory);
}

/* Steps of writing a file: pipes and terminals do not count. */

static int is_file(int descriptor) {
    struct stat found;
    return fstat(descriptor, &found) == 0 && S_ISREG(found.st_mode);
}

#define FAIL_OR(call)                              \
    if (fails(&writes)) {                          \
        errno = writes.error;                      \
        return -1;                                 \
    }                                              \
    return call;

ssize_t write(int descriptor, const void *data, size_t size) {
    if (!writes.at || !is_file(descriptor))
        return syscall(SYS_write, descriptor, data, size);
    FAIL_OR(syscall(SYS_write, descriptor, data, size))
}

int fsync(int descriptor) { FAIL_OR((int)syscall(SYS_fsync, descriptor)) }
int rename(const char *old, const char *new) { FAIL_OR((int)syscall(SYS_renameat2, AT_FDCWD, old, AT_FDCWD, new, 0)) }
