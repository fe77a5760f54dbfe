// SPDX-License-Identifier: Apache-2.0
// old_kernel PROGRAM ARGUMENT...: runs it as on Linux 3.10, which does not have later system calls:
// they fail with ENOSYS. x86-64 only.
#define _DEFAULT_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// Source: Linux arch/x86/syscalls/syscall_64.tbl of 3.10: finit_module, 313, is the last.
enum { last_of_3_10 = SYS_finit_module };

int main(int argc, char** argv) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, last_of_3_10, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
  if (argc < 2) {
    fprintf(stderr, "usage: old_kernel PROGRAM ARGUMENT...\n");
    return 2;
  }
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    perror("old_kernel: seccomp");
    return 77;
  }
  char byte = 0;
  if (syscall(SYS_getrandom, &byte, sizeof byte, 0) != -1 || errno != ENOSYS) {
    fprintf(stderr, "old_kernel: getrandom(2), of Linux 3.17, is still there\n");
    return 126;
  }
  execv(argv[1], argv + 1);
  perror(argv[1]);
  return 127;
}
