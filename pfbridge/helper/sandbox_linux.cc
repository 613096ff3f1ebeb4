// Linux: the user, all capabilities but the one that is needed, no new privileges, and a list of allowed system calls.
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "pfbridge/helper/sandbox.h"
#include "pfbridge/helper/sandbox_linux.h"

namespace deferd::bridge {
namespace {

std::string failed(const std::string& what, int error) { return what + ": " + std::strerror(error); }

// `wanted` is a mask of capabilities below 32, of which those that we have stay. All others go.
std::string keep_capabilities(std::uint32_t wanted) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> sets{};
  if (::syscall(SYS_capget, &header, sets.data()) != 0) return failed("capget", errno);
  wanted &= sets[0].permitted;
  sets = {};
  sets[0].permitted = sets[0].effective = wanted;
  if (::syscall(SYS_capset, &header, sets.data()) != 0) return failed("capset", errno);
  return {};
}

// Without these no program works; they reach nothing but this process and what it has open.
constexpr int kAlways[] = {SCMP_SYS(read),           SCMP_SYS(readv),        SCMP_SYS(pread64),
                           SCMP_SYS(write),          SCMP_SYS(writev),       SCMP_SYS(close),
                           SCMP_SYS(lseek),          SCMP_SYS(poll),         SCMP_SYS(ppoll),
                           SCMP_SYS(select),         SCMP_SYS(pselect6),     SCMP_SYS(fcntl),
                           SCMP_SYS(fstat),          SCMP_SYS(stat),         SCMP_SYS(lstat),
                           SCMP_SYS(newfstatat),     SCMP_SYS(statx),        SCMP_SYS(access),
                           SCMP_SYS(faccessat),      SCMP_SYS(faccessat2),   SCMP_SYS(accept),
                           SCMP_SYS(accept4),        SCMP_SYS(getsockname),  SCMP_SYS(getsockopt),
                           SCMP_SYS(setsockopt),     SCMP_SYS(recvfrom),     SCMP_SYS(recvmsg),
                           SCMP_SYS(shutdown),       SCMP_SYS(brk),          SCMP_SYS(munmap),
                           SCMP_SYS(mremap),         SCMP_SYS(madvise),      SCMP_SYS(futex),
                           SCMP_SYS(clock_gettime),  SCMP_SYS(nanosleep),    SCMP_SYS(clock_nanosleep),
                           SCMP_SYS(gettimeofday),   SCMP_SYS(time),         SCMP_SYS(getrandom),
                           SCMP_SYS(getpid),         SCMP_SYS(gettid),       SCMP_SYS(getuid),
                           SCMP_SYS(geteuid),        SCMP_SYS(getgid),       SCMP_SYS(getegid),
                           SCMP_SYS(uname),          SCMP_SYS(sysinfo),      SCMP_SYS(rt_sigaction),
                           SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall),
                           SCMP_SYS(sigaltstack),    SCMP_SYS(tgkill),       SCMP_SYS(sched_yield),
                           SCMP_SYS(exit),           SCMP_SYS(exit_group)};

// The same under the names they have on 32-bit processors.
constexpr int kAlways32[] = {
    SCMP_SYS(_llseek),   SCMP_SYS(_newselect),   SCMP_SYS(clock_gettime64), SCMP_SYS(clock_nanosleep_time64),
    SCMP_SYS(fcntl64),   SCMP_SYS(fstat64),      SCMP_SYS(fstatat64),       SCMP_SYS(futex_time64),
    SCMP_SYS(getegid32), SCMP_SYS(geteuid32),    SCMP_SYS(getgid32),        SCMP_SYS(getuid32),
    SCMP_SYS(lstat64),   SCMP_SYS(ppoll_time64), SCMP_SYS(pselect6_time64), SCMP_SYS(recv),
    SCMP_SYS(sigreturn), SCMP_SYS(stat64)};

// To speak to nftables.
constexpr int kNetlink[] = {SCMP_SYS(bind), SCMP_SYS(sendto), SCMP_SYS(sendmsg)};

// For tables that are files.
constexpr int kFiles[] = {SCMP_SYS(open),   SCMP_SYS(openat),   SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2),
                          SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(fsync),  SCMP_SYS(fdatasync)};

#if defined(DEFERD_SANITIZED)
// What the sanitizers' own code does, mostly when the program ends.
constexpr int kSanitizer[] = {SCMP_SYS(clone),
                              SCMP_SYS(clone3),
                              SCMP_SYS(ptrace),
                              SCMP_SYS(wait4),
                              SCMP_SYS(prctl),
                              SCMP_SYS(mprotect),
                              SCMP_SYS(mmap),
                              SCMP_SYS(readlink),
                              SCMP_SYS(readlinkat),
                              SCMP_SYS(getdents),
                              SCMP_SYS(getdents64),
                              SCMP_SYS(getppid),
                              SCMP_SYS(kill),
                              SCMP_SYS(set_robust_list),
                              SCMP_SYS(rseq),
                              SCMP_SYS(prlimit64),
                              SCMP_SYS(getrlimit),
                              SCMP_SYS(process_vm_readv),
                              SCMP_SYS(sched_getaffinity),
                              SCMP_SYS(dup),
                              SCMP_SYS(pipe2)};
#else
constexpr std::array<int, 0> kSanitizer{};
#endif

/// The list of what is allowed; the process dies of all else.
class Filter {
 public:
  explicit Filter(std::uint32_t architecture) : context_(::seccomp_init(SCMP_ACT_KILL_PROCESS)) {
    if (context_ == nullptr) error_ = ENOMEM;
    if (architecture == ::seccomp_arch_native() || error_ != 0) return;
    error_ = -::seccomp_arch_add(context_, architecture);
    if (error_ == 0) error_ = -::seccomp_arch_remove(context_, SCMP_ARCH_NATIVE);
  }
  ~Filter() { ::seccomp_release(context_); }
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  template <class Calls>
  void allow(const Calls& calls) {
    for (const int call : calls) allow_if(call, {});
  }
  void allow_if(int call, std::initializer_list<scmp_arg_cmp> conditions) { rule(SCMP_ACT_ALLOW, call, conditions); }
  void refuse(int call, std::initializer_list<scmp_arg_cmp> conditions = {}) { rule(SCMP_ACT_ERRNO(EACCES), call, conditions); }

  std::string load() { return done(error_ != 0 ? -error_ : ::seccomp_load(context_)); }
  std::string print(int file) { return done(error_ != 0 ? -error_ : ::seccomp_export_pfc(context_, file)); }

 private:
  static std::string done(int status) { return status == 0 ? std::string() : failed("seccomp", -status); }

  // A system call that this processor's kernel lacks is no error, nor is one that is allowed already.
  void rule(std::uint32_t action, int call, std::initializer_list<scmp_arg_cmp> conditions) {
    if (error_ != 0) return;
    const int status =
        ::seccomp_rule_add_array(context_, action, call, static_cast<unsigned>(conditions.size()), conditions.begin());
    if (status != 0 && status != -EDOM && status != -EEXIST) error_ = -status;
  }

  scmp_filter_ctx context_;
  int error_ = 0;
};

// Of a system call's argument, counted from 0.
scmp_arg_cmp equals(unsigned argument, scmp_datum_t value) { return {argument, SCMP_CMP_EQ, value, 0}; }
scmp_arg_cmp lacks(unsigned argument, scmp_datum_t bits) { return {argument, SCMP_CMP_MASKED_EQ, bits, 0}; }

void allow_only(const Needs& needs, Filter& filter) {
  filter.allow(kAlways);
  filter.allow(kAlways32);
  filter.allow(kSanitizer);
  constexpr auto kExecutable = static_cast<scmp_datum_t>(PROT_EXEC);
  for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mmap2), SCMP_SYS(mprotect)}) filter.allow_if(call, {lacks(2, kExecutable)});
  if (needs.folders.empty()) {
    // Only for reading: /etc/services and the like.
    constexpr auto kChanges = static_cast<scmp_datum_t>(O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY));
    filter.allow_if(SCMP_SYS(open), {lacks(1, kChanges)});
    filter.allow_if(SCMP_SYS(openat), {lacks(2, kChanges)});
    // The helper tries to remove its socket at its end. It stays; the next helper replaces it.
    filter.refuse(SCMP_SYS(unlink));
    filter.refuse(SCMP_SYS(unlinkat));
  } else {
    filter.allow(kFiles);
  }
  // Who can have a Unix socket of his own must not name whom he sends to, or he reaches what others listen on: /dev/log. (Of
  // i386's socketcall(2) a filter sees no arguments.)
  if (needs.netlink) {
    filter.allow(kNetlink);
    filter.allow_if(SCMP_SYS(socket), {equals(0, AF_NETLINK)});
    filter.refuse(SCMP_SYS(socket), {equals(0, AF_UNIX)});
  } else {
    // if_indextoname(3) asks by a socket that is never connected.
    filter.allow_if(SCMP_SYS(socket), {equals(0, AF_UNIX)});
    filter.allow_if(SCMP_SYS(ioctl), {equals(1, SIOCGIFNAME)});
  }
  filter.refuse(SCMP_SYS(connect));  // the C library would like to ask nscd
}

/// Whoever started us may want us to end with him, as deferd's monitor does. The kernel forgets that of a process that becomes
/// another user: it would stay, keep its NFLOG group from the next one, and open the bypass when nobody speaks to it.
class Parent {
 public:
  Parent() { ::prctl(PR_GET_PDEATHSIG, &signal_, 0, 0, 0); }
  std::string tell() const {
    if (signal_ == 0) return {};
    if (::prctl(PR_SET_PDEATHSIG, signal_, 0, 0, 0) != 0) return failed("prctl", errno);
    return ::getppid() == pid_ ? std::string() : std::string("who started it has ended");
  }

 private:
  pid_t pid_ = ::getppid();
  int signal_ = 0;
};

}  // namespace

std::string print_filter(const Needs& needs, std::uint32_t architecture, int file) {
  Filter filter(architecture);
  allow_only(needs, filter);
  return filter.print(file);
}

std::string enter_sandbox(const std::string& user, const Needs& needs) {
  const Parent parent;
  if (needs.programs) {  // they may be doas(1), or need what we do not know
    if (auto error = user.empty() ? std::string() : become(user); !error.empty()) return error;
    return parent.tell();
  }
  const std::uint32_t wanted = needs.netlink ? 1U << CAP_NET_ADMIN : 0;
  if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return failed("prctl", errno);
  if (!user.empty())
    if (auto error = become(user); !error.empty()) return error;
  if (auto error = keep_capabilities(wanted); !error.empty()) return error;
  if (::prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0 || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("prctl", errno);
  if (auto error = parent.tell(); !error.empty()) return error;
  Filter filter(::seccomp_arch_native());
  allow_only(needs, filter);
  return filter.load();
}

}  // namespace deferd::bridge
