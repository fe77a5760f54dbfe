#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# @stroncium/procfs 1.2.1 (npm): the masks of /proc/PID/status are cut at their first comma.
# Expected: processStatus() of a process with "Cpus_allowed: 00000001,00000000" gives a cpusAllowedMask that has CPU 32, or none;
# memoriesAllowedMask of "..,00000000,00000001" has node 0.
# Seen: the mask of CPU 32 is 1, which is CPU 0. memoriesAllowedMask is 0 for every process of a kernel built for more than 32 nodes, as
# distributions do (32 groups): no process may use any memory, by this number. Both are plain numbers without a sign of the cut.
# Source: lib/parsers/processStatus.js, parseInt(v, 16).

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
(cd "$t" && npm install --silent --no-audit --no-fund --ignore-scripts --cache "$t/cache" @stroncium/procfs@1.2.1 >/dev/null)
export LC_ALL=C
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
masks() { # CPUs memories
    printf 'Name:\ta\nPid:\t1\nCpus_allowed:\t%s\nMems_allowed:\t%s\n' "$1" "$2" > "$t/status"
    (cd "$t" && node -e '
const {processStatus} = require("@stroncium/procfs/lib/parsers")
const s = processStatus(require("fs").readFileSync("status", "utf8"))
console.log(s.cpusAllowedMask, s.memoriesAllowedMask)')
}
is 'CPUs 0-3, node 0' "$(masks f 1)" '15 1'
is 'CPU 32, node 0 of 64' "$(masks 00000001,00000000 00000000,00000001)" '1 0'
is 'CPUs 0 and 32-35, nodes 0-1 of 96' "$(masks f,00000001 00000000,00000000,00000003)" '15 0'
own=$(cd "$t" && node -e 'console.log(require("@stroncium/procfs").procfs.processStatus().memoriesAllowedMask)')
echo "of this process: $own, where the file has $(sed -n 's/^Mems_allowed:\t//p' /proc/self/status)"
