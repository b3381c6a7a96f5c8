#include "genrewise/audio/sandbox.hpp"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "genrewise/audio/decoders.hpp"
#include "genrewise/base/child_process.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/base/text.hpp"

namespace genrewise::audio {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kArchitecture = 0;
#endif

// Calls that are refused whatever their arguments are. io_uring is among them since its operations pass no filter.
constexpr int kRefused[] = {
    __NR_socket,
    __NR_socketpair,
    __NR_connect,
    __NR_bind,
    __NR_listen,
    __NR_accept,
    __NR_accept4,
    __NR_execve,
    __NR_execveat,
    __NR_kill,
    __NR_tkill,
    __NR_rt_sigqueueinfo,
    __NR_rt_tgsigqueueinfo,
    __NR_ptrace,
    __NR_process_vm_readv,
    __NR_process_vm_writev,
    __NR_kcmp,
    __NR_pidfd_open,
    __NR_pidfd_getfd,
    __NR_pidfd_send_signal,
    __NR_mkdirat,
    __NR_mknodat,
    __NR_unlinkat,
    __NR_symlinkat,
    __NR_linkat,
    __NR_renameat2,
    __NR_truncate,
    __NR_fchmod,
    __NR_fchmodat,
    __NR_fchown,
    __NR_fchownat,
    __NR_utimensat,
    __NR_setxattr,
    __NR_lsetxattr,
    __NR_fsetxattr,
    __NR_removexattr,
    __NR_lremovexattr,
    __NR_fremovexattr,
    __NR_mount,
    __NR_umount2,
    __NR_pivot_root,
    __NR_chroot,
    __NR_setns,
    __NR_unshare,
    __NR_bpf,
    __NR_perf_event_open,
    __NR_userfaultfd,
    __NR_add_key,
    __NR_request_key,
    __NR_keyctl,
    __NR_io_uring_setup,
    __NR_open_by_handle_at,
    __NR_shmget,
    __NR_msgget,
    __NR_semget,
    __NR_mq_open,
    __NR_memfd_create,
    452,  // fchmodat2, setxattrat and removexattrat: the same numbers on all processors, not yet in all headers
    463,
    466,
#ifdef __x86_64__
    __NR_fork,
    __NR_vfork,
    __NR_creat,
    __NR_mkdir,
    __NR_rmdir,
    __NR_mknod,
    __NR_unlink,
    __NR_symlink,
    __NR_link,
    __NR_rename,
    __NR_renameat,
    __NR_chmod,
    __NR_chown,
    __NR_lchown,
    __NR_utime,
    __NR_utimes,
    __NR_futimesat,
#else
    __NR_renameat,
#endif
};

/// A program of the kernel's packet filter, of which each rule ends with an answer or goes on to the next.
class Filter {
 public:
  Filter() {
    // Calls of other architectures' tables (32 bits, x32) have other numbers.
    load(offsetof(seccomp_data, arch));
    add(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0);
    answer(EPERM);
    load(offsetof(seccomp_data, nr));
#ifdef __x86_64__
    constexpr std::uint32_t kX32 = 0x40000000;
    add(BPF_JMP | BPF_JGE | BPF_K, kX32, 0, 1);
    answer(EPERM);
#endif
  }
  void refuse(int call, int error) {
    add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 1);
    answer(error);
  }
  void refuse_for_others(int call, std::uint32_t first_argument) {
    add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 4);
    load(offsetof(seccomp_data, args));
    add(BPF_JMP | BPF_JEQ | BPF_K, first_argument, 1, 0);
    answer(EPERM);
    load(offsetof(seccomp_data, nr));
  }
  /// Refuses it where some of the `bits` are set in an argument (or, if not `when_set`, all are clear).
  void refuse(int call, int argument, std::uint32_t bits, bool when_set) {
    add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 4);
    load(offsetof(seccomp_data, args) + sizeof(std::uint64_t) * static_cast<std::size_t>(argument));  // its low half
    add(BPF_JMP | BPF_JSET | BPF_K, bits, when_set ? 0 : 1, when_set ? 1 : 0);
    answer(EPERM);
    load(offsetof(seccomp_data, nr));
  }
  void install() {
    add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    const sock_fprog program{static_cast<unsigned short>(code_.size()), code_.data()};
    ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
  }

 private:
  void add(int code, std::uint32_t value, int if_true = 0, int if_false = 0) {
    code_.push_back({static_cast<std::uint16_t>(code), static_cast<std::uint8_t>(if_true),
                     static_cast<std::uint8_t>(if_false), value});
  }
  void load(std::size_t offset) {
    add(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
  }
  void answer(int error) {
    add(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error));
  }

  std::vector<sock_filter> code_;
};

void filter_calls() {
  constexpr std::uint32_t kWriting = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND;
  Filter filter;
  for (const int call : kRefused) filter.refuse(call, EPERM);
  filter.refuse(__NR_openat, 2, kWriting, true);
#ifdef __x86_64__
  filter.refuse(__NR_open, 1, kWriting, true);
#endif
  filter.refuse(__NR_clone, 0, CLONE_THREAD, false);
  filter.refuse_for_others(__NR_tgkill, static_cast<std::uint32_t>(::getpid()));
  filter.refuse_for_others(__NR_prlimit64, 0);
  // Their arguments are in memory, which a filter cannot read; the C library then uses openat() and clone().
  filter.refuse(__NR_openat2, ENOSYS);
  filter.refuse(__NR_clone3, ENOSYS);
  filter.install();
}

/// Folders of the libraries that are loaded or that may be, and what the C library reads.
std::set<std::string> readable_paths() {
  std::set<std::string> paths{"/usr", "/lib", "/lib64", "/etc", "/dev/null", "/dev/urandom", "/sys/devices/system/cpu"};
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const std::size_t path = line.find('/'), end = line.rfind('/');
    if (path != line.npos && end > path) paths.insert(line.substr(path, end - path));
  }
  for (const std::string& folder : split_text(environment_variable("LD_LIBRARY_PATH"), ':'))
    if (folder.starts_with('/')) paths.insert(folder);
  return paths;
}

long landlock_version() {
  return ::syscall(__NR_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

void restrict_files() {
  const long version = landlock_version();
  if (version < 1) return;
  // Versions 2 and 3 added moving between folders and truncation to the thirteen first rights.
  const int rights = version >= 3 ? 15 : version == 2 ? 14 : 13;
  const std::uint64_t handled = (std::uint64_t{1} << rights) - 1;
  const Descriptor rules(static_cast<int>(::syscall(__NR_landlock_create_ruleset, &handled, sizeof handled, 0)));
  for (const std::string& path : readable_paths()) {
    const Descriptor beneath(::open(path.c_str(), O_PATH | O_CLOEXEC));
    if (beneath.get() < 0) continue;
    landlock_path_beneath_attr rule{};
    rule.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE;
    rule.parent_fd = beneath.get();
    ::syscall(__NR_landlock_add_rule, rules.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
  }
  ::syscall(__NR_landlock_restrict_self, rules.get(), 0);
}

/// A process of root may do more than its files allow.
void drop_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3]{};
  ::syscall(__NR_capset, &header, none);
}

}  // namespace

void enter_sandbox() {
  if (kArchitecture == 0 || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return;
  drop_capabilities();
  restrict_files();
  filter_calls();
}

}  // namespace genrewise::audio

namespace genrewise {

std::string decode_sandbox() {
  bool calls = false, files = false;
  start_thread([&] {
    audio::enter_sandbox();
    calls = Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)).get() < 0;
    files = Descriptor(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)).get() < 0;
  }).join();
  std::string text = calls ? "seccomp" : "";
  if (files) text += (calls ? " and " : "") + ("Landlock (version " + std::to_string(audio::landlock_version()) + ")");
  return text;
}

}  // namespace genrewise
