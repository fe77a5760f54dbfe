#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# scripts/fleet.sh over the captured hosts and one that cannot be read, of a name that wants to be markup, JSON
# and a formula: fleet_test.sh IRQTUNE REPOSITORY
set -u
IRQTUNE=$(readlink -f "$1") repository=$2 passed=0 failed=0
export IRQTUNE
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

same() { # WHAT WANTED GOT
  if [ "$2" = "$3" ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAILED: %s\n  wanted: %s\n  got:    %s\n' "$1" "$2" "$3"
  fi
}

mkdir -p "$work/hosts/=\"<b>\\x"
ln -s "$repository"/tests/hosts/*.tar.gz "$work/hosts"
"$repository/scripts/fleet.sh" -j 2 -o "$work/out" "$work/hosts" --color never >"$work/log" 2>&1
same 'exit code' 4 $?
same 'it says' "7 hosts, 1 without an answer: $work/out/fleet.jsonl, fleet.html, fleet.csv" "$(cat "$work/log")"
python3 - "$work/out" >"$work/told" <<'PYTHON'
import csv, json, sys
hosts = [json.loads(line) for line in open(sys.argv[1] + "/fleet.jsonl", encoding="utf-8")]
print(len(hosts), sum("error" in host for host in hosts), sum("plan" in host and "diagnosis" in host for host in hosts))
rows = list(csv.DictReader(open(sys.argv[1] + "/fleet.csv", encoding="utf-8", newline="")))
print(rows[0]["host"], repr(rows[0]["collisions"]), "no host" in rows[0]["error"])
shown = [(-int(row["collisions"]), -int(row["drift"])) for row in rows[1:]]
print(shown == sorted(shown), rows[-1]["host"])
plans = {host["host"]: host["plan"] for host in hosts if "plan" in host}
print(all(int(row["collisions"]) == plans[row["host"]]["score"]["before"]["collisions"] for row in rows[1:]))
PYTHON
same 'each host has a line' '7 1 6' "$(sed -n 1p "$work/told")"
same 'the worst is one without an answer' "'=\"<b>\\x '' True" "$(sed -n 2p "$work/told")"
same 'then by collisions' 'True baseline' "$(sed -n 3p "$work/told")"
same 'the numbers are those of the plans' True "$(sed -n 4p "$work/told")"
same 'the page escapes' '0 1' "$(grep -c '<b>\\x' "$work/out/fleet.html") $(grep -c '<td>=&#34;&lt;b&gt;\\x</td>' "$work/out/fleet.html")"
same 'nothing is left behind' 'fleet.csv fleet.html fleet.jsonl' "$(cd "$work/out" && echo *)"
"$repository/scripts/fleet.sh" "$work/no-such" >/dev/null 2>&1
same 'no directory' 2 $?

printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
