#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Drives `irqtune top` in a terminal: top_test.sh IRQTUNE REPOSITORY. The terminal is tmux's; without
# tmux it says so and is skipped (77).
set -eu
export LC_ALL=C.UTF-8
irqtune=$1
repository=$2

command -v tmux >/dev/null || {
  echo "SKIPPED: top is not tested in a terminal: no tmux (scripts/packages.sh test)"
  exit 77
}

work=$(mktemp -d)
terminal=0
server() { tmux -f /dev/null -S "$work/tmux.$terminal" "$@"; }
trap 'server kill-server 2>/dev/null || true; rm -rf "$work"' EXIT

screen() { server capture-pane -p -t top; }

failed=0

# see WHAT PATTERN: waits until a line of the screen matches.
see() {
  local try
  for try in $(seq 100); do
    screen | grep -qE -- "$2" && return
    sleep 0.1
  done
  echo "FAILED $1: no line matches '$2' after $try looks:"
  screen
  failed=1
}

see_no() {
  if screen | grep -qE -- "$2"; then
    echo "FAILED $1: a line matches '$2':"
    screen
    failed=1
  fi
}

# begin COLUMNS ROWS ARGUMENT...: a terminal in which it runs, and then says its exit code
begin() {
  local columns=$1 rows=$2
  shift 2
  server kill-server 2>/dev/null || true
  terminal=$((terminal + 1))  # The old one takes its time to end.
  server new-session -d -s top -x "$columns" -y "$rows" "$* ; echo code \$?; exec sleep 600"
}

keys() { server send-keys -t top "$@"; }

host=$repository/tests/hosts/two-vms.tar.gz

begin 100 30 "'$irqtune' --root '$host' top"
see 'the title' '^irqtune top: .* 12\.7 s, by rate'
see 'the totals' '^29 vectors, 12 collisions; a second: passthrough '
see 'the map' '^package 0, node 0'
see 'a collision on the map' '>[0-9]+ [A-Z]'
see 'a collision with its vCPU' '^>.* vm[12] .* on the core of vCPU'
keys v
see 'sorted by VM' 'by VM'
keys / 'm2'
see 'a filter as it is typed' 'Esc\): m2_'
keys Enter
see 'a filter' 'VM m2'
see_no 'only that VM' 'msix.*vm1|vm1 .*msix'
keys / Enter
see 'no filter' 'by VM *$'
keys Space
see 'frozen' 'FROZEN'
keys Space
keys h
see 'help' 'q  +quit'
keys x m
see 'the map alone' 'vCPU 2 of VM A'
see_no 'no vectors below the map' 'DEVICE'
keys m
see 'the vectors alone' '^ +RATE +CPU +IRQ'
see_no 'no map above the vectors' '^package 0'
keys m
server resize-window -t top -x 40 -y 12
see 'a small terminal' '^irqtune top: .*\.\.\.$|^irqtune top: .{0,27}$'
see_no 'lines that fold' '^[a-z]*, by rate'
server resize-window -t top -x 20 -y 3
see 'three lines' '^irqtune top: '
server resize-window -t top -x 100 -y 30
see 'large again' 'q quit  r v c i sort'
keys q
see 'its end' '^code 0'

# The live host, whatever it is: intervals follow each other, and signals end it in good order.
begin 100 30 "'$irqtune' top --interval 0.2 --count 3"
see 'the end of three intervals' '^code 0'
begin 100 30 "'$irqtune' top"
see 'the live host' '^irqtune top: .* 1\.[0-9] s, by rate'
keys C-c
see 'the end by a signal' '^code 0'

# Without colours a collision still stands out: by its sign, and no colour is sent.
for environment in 'NO_COLOR=1' 'TERM=vt100' 'COLORFGBG=x'; do
  begin 100 30 "env $environment '$irqtune' --root '$host' top"
  see "$environment: a sign" '^>.* on the core of vCPU'
  red=$(server capture-pane -e -p -t top | grep -c $'\e\[[0-9;]*31m' || true)
  case $environment in
    COLORFGBG=x) [ "$red" -gt 0 ] || { echo "FAILED: no red where there are colours" && failed=1; } ;;
    *) [ "$red" -eq 0 ] || { echo "FAILED $environment: $red lines are red" && failed=1; } ;;
  esac
done

# Where the terminal cannot be drawn on, lines; where nobody knows it, an error.
begin 100 30 "TERM=dumb '$irqtune' --root '$host' top | cut -c1-40"
see 'a dumb terminal' '^\{"schema":"irqtune.top/1"'
begin 100 30 "TERM=no-such-thing '$irqtune' --root '$host' top"
see 'an unknown terminal' 'ncurses does not know this terminal'
see 'its exit code' '^code 1'

# A VM's name is its owner's text: what a terminal would obey is not sent to it.
mkdir "$work/tree"
tar -xzf "$host" -C "$work/tree"
sed -i 's/vm1/v\x1b[2J\x1b]0;title\x07m/g' "$work/tree/proc/303/cmdline"
begin 100 30 "'$irqtune' --root '$work/tree' top"
see 'a hostile name' ' v\?\[2J\?\]0;title\?m '
if [ "$failed" -eq 0 ]; then
  echo "top: seen in a terminal"
fi
exit "$failed"
