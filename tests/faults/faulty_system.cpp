// A library for LD_PRELOAD that makes calls of a program fail, for environment.py. Environment variables choose what:
//   FAULTY_NEW=N      the N-th operator new after the start of main() throws std::bad_alloc
//   FAULTY_MALLOC=N   the N-th call of malloc, calloc, realloc or an aligned variant returns nothing
//   FAULTY_ALL=1      ... and all that follow
//   FAULTY_COUNT=FILE the number of both kinds of allocations is written there at the end
//   FAULTY_WRITE=BYTES:ERRNO   write() and pwrite() into regular files fail once that many bytes were written
//   FAULTY_THREADS=N  only N threads can be started
#include <dlfcn.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <new>

extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* old, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);
}

namespace {

std::atomic<bool> armed{false};
std::atomic<long> news{0}, mallocs{0}, written{0}, threads{0};
long bad_new = 0, bad_malloc = 0, write_limit = -1, thread_limit = -1;
int write_errno = 0;
bool all = false;

long number(const char* name) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::atol(text) : -1;
}

bool fails(std::atomic<long>& count, long bad) {
  if (!armed) return false;
  const long now = ++count;
  return now == bad || (all && bad > 0 && now > bad);
}

bool malloc_fails() {
  if (!fails(mallocs, bad_malloc)) return false;
  errno = ENOMEM;
  return true;
}

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

// Whether a write of these bytes exceeds the limit, with errno set.
bool write_fails(int descriptor, std::size_t bytes) {
  struct stat status {};
  if (!armed || write_limit < 0 || fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return false;
  if ((written += static_cast<long>(bytes)) <= write_limit) return false;
  errno = write_errno;
  return true;
}

int (*real_main)(int, char**, char**);

void write_counts() {
  armed = false;
  if (const char* path = std::getenv("FAULTY_COUNT")) {
    if (std::FILE* file = std::fopen(path, "w")) {
      std::fprintf(file, "%ld %ld\n", news.load(), mallocs.load());
      std::fclose(file);
    }
  }
}

int counted_main(int argc, char** argv, char** environment) {
  bad_new = number("FAULTY_NEW");
  bad_malloc = number("FAULTY_MALLOC");
  thread_limit = number("FAULTY_THREADS");
  all = number("FAULTY_ALL") == 1;
  if (const char* text = std::getenv("FAULTY_WRITE")) std::sscanf(text, "%ld:%d", &write_limit, &write_errno);
  std::atexit(write_counts);
  armed = true;
  return real_main(argc, argv, environment);
}

}  // namespace

void* operator new(std::size_t bytes) {
  void* memory = fails(news, bad_new) ? nullptr : __libc_malloc(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void* operator new(std::size_t bytes, std::align_val_t alignment) {
  void* memory = fails(news, bad_new) ? nullptr : __libc_memalign(static_cast<std::size_t>(alignment), bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

extern "C" {

void* malloc(std::size_t bytes) {
  return malloc_fails() ? nullptr : __libc_malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) {
  return malloc_fails() ? nullptr : __libc_calloc(count, bytes);
}
void* realloc(void* old, std::size_t bytes) {
  return malloc_fails() ? nullptr : __libc_realloc(old, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  return malloc_fails() ? nullptr : __libc_memalign(alignment, bytes);
}
void* memalign(std::size_t alignment, std::size_t bytes) {
  return malloc_fails() ? nullptr : __libc_memalign(alignment, bytes);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t bytes) {
  *memory = malloc_fails() ? nullptr : __libc_memalign(alignment, bytes);
  return *memory == nullptr ? ENOMEM : 0;
}

ssize_t write(int descriptor, const void* bytes, std::size_t count) {
  return write_fails(descriptor, count)
             ? -1
             : next<ssize_t(int, const void*, std::size_t)>("write")(descriptor, bytes, count);
}
ssize_t pwrite(int descriptor, const void* bytes, std::size_t count, off_t offset) {
  if (write_fails(descriptor, count)) return -1;
  return next<ssize_t(int, const void*, std::size_t, off_t)>("pwrite")(descriptor, bytes, count, offset);
}
ssize_t pwrite64(int descriptor, const void* bytes, std::size_t count, off64_t offset) {
  return pwrite(descriptor, bytes, count, offset);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*), void* argument) {
  if (armed && thread_limit >= 0 && ++threads > thread_limit) return EAGAIN;
  return next<int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>("pthread_create")(thread, attributes,
                                                                                                 start, argument);
}

int __libc_start_main(int (*main)(int, char**, char**), int argc, char** argv, void (*init)(), void (*fini)(),
                      void (*rtld_fini)(), void* stack_end) {
  real_main = main;
  return next<int(int (*)(int, char**, char**), int, char**, void (*)(), void (*)(), void (*)(), void*)>(
      "__libc_start_main")(counted_main, argc, argv, init, fini, rtld_fini, stack_end);
}

}  // extern "C"
