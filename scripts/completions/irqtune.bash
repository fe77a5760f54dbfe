# SPDX-License-Identifier: Apache-2.0
# Completion for bash. Options come from --help, names from the host that --root (as typed) means, so that
# none of it has to be kept up to date here.

# The words so far that say which host it is.
_irqtune_host() {
  local i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case ${COMP_WORDS[i]} in
      --root | --state-dir | --config | --lscpu)
        if [ "${COMP_WORDS[i + 1]-}" = '=' ]; then
          printf '%s\n' "${COMP_WORDS[i]}" "${COMP_WORDS[i + 2]-}"
        else
          printf '%s\n' "${COMP_WORDS[i]}" "${COMP_WORDS[i + 1]-}"
        fi
        ;;
    esac
  done
}

_irqtune_ask() { # KEY ARGUMENT...: values of that key in what irqtune prints as JSON
  local key=$1 host
  shift
  mapfile -t host < <(_irqtune_host)
  command irqtune "${host[@]}" --json "$@" 2>/dev/null | sed -n "s/^      \"$key\": \"\\(.*\\)\",\\{0,1\\}\$/\\1/p"
}

_irqtune_command() {
  local word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in
      show | plan | explain | apply | rollback | history | check | watch | snapshot | diagnose | measure | \
        report | top | metrics)
        printf '%s' "$word"
        return
        ;;
    esac
  done
}

_irqtune_words() { # CURRENT BEFORE: what may be in place of it, a line each; BEFORE is its index less 1
  local command previous=${COMP_WORDS[$2]}
  [ "$previous" != '=' ] || previous=${COMP_WORDS[$2 - 1]}
  command=$(_irqtune_command)
  case $previous in
    --vm) _irqtune_ask name show vms ;;
    --vm-policy) _irqtune_ask name show vms | sed 's/$/=leave/' ;;
    --device | --skip-device) _irqtune_ask address show devices ;;
    --assume-node) _irqtune_ask address show devices | sed 's/$/=/' ;;
    --policy) printf '%s\n' avoid colocate leave ;;
    --scope) printf '%s\n' passthrough evict all ;;
    --near) printf '%s\n' device vm ;;
    --irqbalance) printf '%s\n' warn ban ;;
    --format) printf '%s\n' table json script ;;
    --color) printf '%s\n' auto always never ;;
    --fail-on) printf '%s\n' note warning critical ;;
    *)
      if [[ $1 == -* ]]; then
        command irqtune ${command:+"$command"} --help 2>/dev/null |
          grep -oE '^  (-[A-Za-z],)?--[a-z-]+' | grep -oE -- '--[a-z-]+'
        command irqtune --help 2>/dev/null | grep -oE '^  (-[A-Za-z],)?--[a-z-]+' | grep -oE -- '--[a-z-]+'
        return
      fi
      case $command in
        '') command irqtune --help 2>/dev/null | sed -n '/^Subcommands:/,$s/^  \([a-z][a-z]*\) .*/\1/p' ;;
        show) printf '%s\n' topology devices irqs vms all ;;
        rollback) _irqtune_ask id history ;;
        history) printf '%s\n' prune ;;
        explain) _irqtune_ask address show devices ;;
      esac
      ;;
  esac
}

_irqtune() {
  local current=${COMP_WORDS[COMP_CWORD]} word
  [ "$current" != '=' ] || current=''
  COMPREPLY=()
  case ${COMP_WORDS[COMP_CWORD - 1]} in
    --root | --state-dir | --config | --lscpu | -o | --output | --against | --esx | --esx-console)
      compopt -o filenames -o default 2>/dev/null
      return
      ;;
  esac
  # Addresses hold colons, at which readline breaks words: complete what stands behind the last one.
  local whole=$current prefix='' i
  for ((i = COMP_CWORD - 1; i > 0; --i)); do
    [ "${COMP_WORDS[i]}" = : ] || [ "${COMP_WORDS[i + 1]}" = : ] || break
    [[ ${COMP_WORDS[i]} != --* ]] || break
    prefix=${COMP_WORDS[i]}$prefix
  done
  [ -z "$prefix" ] || whole=$prefix$current
  [ "$current" != : ] || { prefix=$whole current=''; }
  while IFS= read -r word; do
    [[ $word == "$whole"* ]] || continue
    printf -v word '%q' "$word"
    COMPREPLY+=("${word#"$prefix"}")
  done < <(_irqtune_words "$whole" "$i" | sort -u)
  case $(_irqtune_command) in
    apply) [[ $current == -* ]] || compopt -o default 2>/dev/null ;;
  esac
}

complete -F _irqtune irqtune
