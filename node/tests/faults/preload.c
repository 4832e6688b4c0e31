/* Lets the k-th call of one kind on the files below a directory fail, or ends the process there.
 * Loaded into a node with LD_PRELOAD; the process's calls are counted over all its threads together,
 * which a tracer that counts per thread cannot do.
 *
 *   FAULT_UNDER  directories, separated by ':'; only calls on what lies below them count
 *   FAULT_OP     sync (fsync, fdatasync), write, rename, open, unlink, or direct (open with O_DIRECT)
 *   FAULT_AT     which call, from 1; 0: none
 *   FAULT_ERROR  the errno it fails with; 0: SIGKILL instead
 *   FAULT_LOG    a file that takes one line for each call counted: kind, number, path; and one that
 *                begins with "injected" for the call that failed
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SYNC, WRITE, RENAME, OPEN, UNLINK, DIRECT, KINDS };
static const char *const NAMES[KINDS] = {"sync", "write", "rename", "open", "unlink", "direct"};
static atomic_long counted[KINDS];

static int is_under(const char *path) {
    const char *under = getenv("FAULT_UNDER");
    while (under && *under) {
        size_t length = strcspn(under, ":");
        if (strncmp(path, under, length) == 0 && (path[length] == '/' || path[length] == 0))
            return 1;
        under += length + (under[length] == ':');
    }
    return 0;
}

static void note(const char *how, int kind, long number, const char *path) {
    const char *log = getenv("FAULT_LOG");
    char line[1200];
    if (!log)
        return;
    int length = snprintf(line, sizeof line, "%s%s %ld %s\n", how, NAMES[kind], number, path);
    long fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    syscall(SYS_write, fd, line, (size_t)length);
    syscall(SYS_close, fd);
}

/* Counts a call; non-zero: it fails, and errno is set. */
static int fails(int kind, const char *path) {
    const char *wanted = getenv("FAULT_OP"), *at = getenv("FAULT_AT"), *with = getenv("FAULT_ERROR");
    if (path[0] != '/' || !is_under(path))
        return 0;
    long number = atomic_fetch_add(&counted[kind], 1) + 1;
    if (!wanted || !at || !with || strcmp(wanted, NAMES[kind]) != 0 || number != atol(at)) {
        note("", kind, number, path);
        return 0;
    }
    note("injected ", kind, number, path);
    if (atoi(with) == 0) {
        kill(getpid(), SIGKILL);
        for (;;)
            pause();
    }
    errno = atoi(with);
    return 1;
}

static int fails_on(int kind, int fd) {
    char name[64], path[1024];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(name, path, sizeof path - 1);
    if (length <= 0)
        return 0;
    path[length] = 0;
    return fails(kind, path);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int fsync(int fd) { return fails_on(SYNC, fd) ? -1 : REAL(fsync)(fd); }
int fdatasync(int fd) { return fails_on(SYNC, fd) ? -1 : REAL(fdatasync)(fd); }

ssize_t write(int fd, const void *from, size_t n) {
    return fails_on(WRITE, fd) ? -1 : REAL(write)(fd, from, n);
}
ssize_t pwrite(int fd, const void *from, size_t n, off_t at) {
    return fails_on(WRITE, fd) ? -1 : REAL(pwrite)(fd, from, n, at);
}
ssize_t pwrite64(int fd, const void *from, size_t n, off64_t at) {
    return fails_on(WRITE, fd) ? -1 : REAL(pwrite64)(fd, from, n, at);
}

int rename(const char *from, const char *to) {
    return fails(RENAME, to) ? -1 : REAL(rename)(from, to);
}
int unlink(const char *path) { return fails(UNLINK, path) ? -1 : REAL(unlink)(path); }

static int open_fails(const char *path, int flags) {
    return fails((flags & O_DIRECT) ? DIRECT : OPEN, path);
}
static mode_t mode_of(int flags, va_list rest) {
    return (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0;
}
int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return open_fails(path, flags) ? -1 : REAL(open)(path, flags, mode);
}
int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return open_fails(path, flags) ? -1 : REAL(open64)(path, flags, mode);
}
