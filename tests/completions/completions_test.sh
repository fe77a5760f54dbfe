#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Completes command lines in bash and, where they are installed, fish and zsh:
# completions_test.sh IRQTUNE REPOSITORY
set -u
program=$(readlink -f "$1") repository=$2 passed=0 failed=0
path=$(mktemp -d)
trap 'rm -rf "$path"' EXIT
ln -s "$program" "$path/irqtune"
PATH=$path:$PATH
host=$repository/tests/hosts/two-vms.tar.gz
missing=$path/nothing-here

expect() { # SHELL LINE GOT WANTED...: each is among what the shell offered
  local shell=$1 line=$2 got=$3 wanted
  shift 3
  for wanted; do
    if grep -qxF -- "$wanted" <<<"$got"; then
      passed=$((passed + 1))
    else
      failed=$((failed + 1))
      printf 'FAILED %s: %s: no %s in: %s\n' "$shell" "$line" "$wanted" "$(tr '\n' ' ' <<<"$got")"
    fi
  done
}

# As readline would break the line: also at colons and equals signs.
bash_completes() { # LINE
  LINE=$1 SCRIPT=$repository/scripts/completions/irqtune.bash bash -c '
    source "$SCRIPT"
    compopt() { :; }
    COMP_WORDS=() word=""
    for ((i = 0; i < ${#LINE}; ++i)); do
      c=${LINE:i:1}
      case $c in
        " ") [ -z "$word" ] || COMP_WORDS+=("$word"); word="" ;;
        : | =) [ -z "$word" ] || COMP_WORDS+=("$word"); COMP_WORDS+=("$c"); word="" ;;
        *) word+=$c ;;
      esac
    done
    COMP_WORDS+=("$word")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _irqtune
    printf "%s\n" "${COMPREPLY[@]}"'
}

expect bash 'irqtune ' "$(bash_completes 'irqtune ')" show plan apply rollback measure top
expect bash 'show --vm' "$(bash_completes "irqtune --root $host plan --vm ")" vm1 vm2
expect bash 'plan --po' "$(bash_completes 'irqtune plan --po')" --policy
expect bash '--policy' "$(bash_completes 'irqtune plan --policy ')" avoid colocate leave
expect bash 'show' "$(bash_completes 'irqtune show ')" topology devices irqs vms all
expect bash 'history' "$(bash_completes 'irqtune history ')" prune
expect bash '--fail-on' "$(bash_completes 'irqtune diagnose --fail-on ')" note critical
expect bash 'device' "$(bash_completes "irqtune --root $host plan --device ")" 0000:24:00.0
expect bash 'device with a colon' "$(bash_completes "irqtune --root $host plan --device 0000:24:")" 00.0
expect bash 'no such root' "$(bash_completes "irqtune --root $missing plan --vm ")" ''

if command -v fish >/dev/null; then
  fish_completes() {
    fish --no-config -c "source '$repository/scripts/completions/irqtune.fish'; complete -C '$1'" | cut -f1
  }
  expect fish 'irqtune ' "$(fish_completes 'irqtune ')" show plan apply
  expect fish '--vm' "$(fish_completes "irqtune --root $host plan --vm ")" vm1 vm2
  expect fish 'show' "$(fish_completes 'irqtune show ')" topology vms
fi
if command -v zsh >/dev/null; then
  zsh_completes() {
    zsh -f "$repository/tests/completions/zsh_completes.zsh" "$repository/scripts/completions" "$1"
  }
  expect zsh 'irqtune ' "$(zsh_completes 'irqtune ')" show plan apply rollback measure
  expect zsh '--vm' "$(zsh_completes "irqtune --root $host plan --vm ")" vm1 vm2
  expect zsh 'plan --po' "$(zsh_completes 'irqtune plan --po')" --policy
  expect zsh '--policy' "$(zsh_completes 'irqtune plan --policy ')" avoid colocate leave
  expect zsh 'show' "$(zsh_completes 'irqtune show ')" topology devices irqs vms all
  expect zsh 'device with a colon' "$(zsh_completes "irqtune --root $host plan --device 0000:24:")" 0000:24:00.0
  expect zsh 'explain' "$(zsh_completes "irqtune --root=$host explain ")" 0000:24:00.0
  expect zsh 'no such root' "$(zsh_completes "irqtune --root $missing plan --vm ")" ''
  mkdir "$path/tree"
  tar -C "$path/tree" -xzf "$host"
  irqtune --root "$path/tree" -q apply --sample 0
  expect zsh 'journal ids' "$(zsh_completes "irqtune --root $path/tree rollback ")" \
    "$(irqtune --root "$path/tree" history --json | sed -n 's/^ *"id": "\(.*\)",\{0,1\}$/\1/p')"
fi
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
