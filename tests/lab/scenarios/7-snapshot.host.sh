#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 7-snapshot.host.sh FOLDER: on this machine, plans of the snapshots that 7-snapshot.sh took in L1.
set -u
cd "$1" || exit 1
failures=0

claim() { # CLAIM COMMAND...
  local claim=$1
  shift
  if "$@" >/dev/null 2>&1; then
    echo "[host] PASS $claim"
  else
    echo "[host] FAIL $claim ($*)"
    failures=$((failures + 1))
  fi
}

tar xf still.tar
for scope in passthrough evict all; do
  "$IRQTUNE" plan --json --root still.tar.gz --scope "$scope" >"there-$scope.json" 2>/dev/null
  claim "plan --scope $scope here is byte for byte that of L1" cmp "here-$scope.json" "there-$scope.json"
  "$IRQTUNE" plan --root still.tar.gz --scope "$scope" >"there-$scope.txt" 2>/dev/null
  claim "and as text" cmp "here-$scope.txt" "there-$scope.txt"
done
"$IRQTUNE" plan --json --root still >there-folder.json 2>/dev/null
claim "the snapshot as a folder gives it, too" cmp here-passthrough.json there-folder.json
"$IRQTUNE" show all --json --root still.tar.gz >there-show.json 2>/dev/null
for side in here there; do # Names come from the pci.ids of the machine that prints.
  jq 'del(.devices[].name)' "$side-show.json" >"$side-show.unnamed"
done
claim "show all is that of L1, but for names of devices" cmp here-show.unnamed there-show.unnamed
"$IRQTUNE" plan --json --root moving.tar.gz >there-moving.json 2>/dev/null
claim "two readings with the guests running: the same plan in L1 and here" cmp moving-plan.json there-moving.json
# The kernel's word, as L1 wrote it down: what the plan takes each vector from.
python3 - <<'P'
import json, re, sys
mask = {}
for line in open("masks.txt"):
    at = re.match(r"/proc/irq/(\d+)/smp_affinity_list:(.*)", line)
    if at:
        mask[int(at[1])] = at[2]
plan = json.load(open("there-all.json"))["assignments"]
wrong = [a["irq"] for a in plan if a["from"] != mask[a["irq"]]]
print(f"[host] {'FAIL' if wrong or not plan else 'PASS'} `from` of {len(plan)} interrupts is the kernel's mask {wrong or ''}")
sys.exit(bool(wrong) or not plan)
P
exit $((failures > 0 || $? > 0))
