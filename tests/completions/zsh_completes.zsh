#!/usr/bin/env zsh
# SPDX-License-Identifier: Apache-2.0
# Types a line and Tab into an interactive zsh on a terminal of its own, and prints what its completion
# offers, one a line: zsh_completes.zsh COMPLETIONS-DIRECTORY LINE
# What is offered is all that any completion function gives to compadd.
emulate -L zsh
setopt no_unset pipe_fail
zmodload zsh/zpty || exit 2
local directory=$1 line=$2 text=''
local setup=$(mktemp)
trap 'rm -f $setup' EXIT
print -r -- "
PROMPT= RPROMPT=
unsetopt zle_bracketed_paste beep 2>/dev/null
unset zle_bracketed_paste
fpath=(${(q)directory} \$fpath)
autoload -Uz compinit && compinit -u -D
compadd() {
  case \${@[1,(i)(-|--)]} in
    *-[OAD]\ *) builtin compadd \"\$@\"; return ;;
  esac
  local -a offered
  builtin compadd -A offered \"\$@\"
  (( \$#offered )) && print -rl -- '<'\${^offered}'>'
  builtin compadd \"\$@\"
}
complete_now() { print; zle complete-word; print; print -r -- END; zle kill-whole-line; }
zle -N complete_now
bindkey '^I' complete_now
print READY
" >$setup

zpty -b shell TERM=dumb COLUMNS=1000 zsh -f -i
zpty -w shell "stty -echo columns 1000; source ${(q)setup}"
# Until WORD stands on a line of its own, or 20 seconds are over.
await() {
  local piece deadline=$((SECONDS + 20))
  text=''
  while ((SECONDS < deadline)); do
    if zpty -r -t shell piece; then
      text+=$piece
      [[ $text == *$'\n'$1$'\r'* || $text == $1$'\r'* ]] && return 0
    else
      sleep 0.02
    fi
  done
  print -u2 -r -- "zsh_completes: no $1 in: $text"
  return 1
}
await READY || exit 1
zpty -w -n shell "$line"$'\t'
await END || exit 1
zpty -d shell
print -r -- "$text" | tr -d '\r' | sed -n 's/^.*<\([^<>]*\)>$/\1/p' | sort -u
