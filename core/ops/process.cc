#include "ops/process.h"

#include <unistd.h>

#include <csignal>

#if defined(__linux__)
#include <sys/prctl.h>
#elif defined(__FreeBSD__)
#include <sys/procctl.h>
#endif

namespace deferd {

bool end_with(pid_t parent) {
#if defined(__linux__)
  prctl(PR_SET_PDEATHSIG, SIGTERM);
#elif defined(__FreeBSD__)
  int number = SIGTERM;
  procctl(P_PID, 0, PROC_PDEATHSIG_CTL, &number);
#endif
  return getppid() == parent;
}

void gain_no_privileges() {
#if defined(__linux__)
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
#elif defined(PROC_NO_NEW_PRIVS_CTL)
  int on = PROC_NO_NEW_PRIVS_ENABLE;
  procctl(P_PID, 0, PROC_NO_NEW_PRIVS_CTL, &on);
#endif
}

void reset_signals() {
  struct sigaction usual {};
  usual.sa_handler = SIG_DFL;
  sigemptyset(&usual.sa_mask);
  for (int number = 1; number < NSIG; ++number) sigaction(number, &usual, nullptr);  // SIGKILL and SIGSTOP refuse
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace deferd
