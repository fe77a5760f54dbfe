# SPDX-License-Identifier: Apache-2.0
# Completion for fish: options from --help, names from the host that --root (as typed) means.

function __irqtune_host
    set -l words (commandline -opc)
    for i in (seq (count $words))
        switch $words[$i]
            case '--root=*' '--state-dir=*' '--config=*' '--lscpu=*'
                echo $words[$i]
            case --root --state-dir --config --lscpu
                set -l next (math $i + 1)
                test $next -le (count $words); and printf '%s\n' $words[$i] $words[$next]
        end
    end
end

function __irqtune_ask
    set -l key $argv[1]
    command irqtune (__irqtune_host) --json $argv[2..-1] 2>/dev/null | sed -n "s/^      \"$key\": \"\\(.*\\)\",\\{0,1\\}\$/\\1/p"
end

function __irqtune_commands
    command irqtune --help 2>/dev/null | sed -n '/^Subcommands:/,$s/^  \([a-z][a-z]*\)  *\(.*\)/\1\t\2/p'
end

function __irqtune_command
    set -l known (__irqtune_commands | string replace -r '\t.*' '')
    for word in (commandline -opc)[2..-1]
        if contains -- $word $known
            echo $word
            return
        end
    end
    return 1
end

function __irqtune_is
    test (__irqtune_command; or echo none) = $argv[1]
end

function __irqtune_options
    for command in (__irqtune_command) ''
        command irqtune (string split -n ' ' -- $command) --help 2>/dev/null |
            sed -n 's/^  \(-[A-Za-z],\)\{0,1\}\(--[a-z-]*\)[^ ]*  *\(.*\)/\2\t\3/p'
    end
end

complete -c irqtune -f -n 'not __irqtune_command >/dev/null' -a '(__irqtune_commands)'
complete -c irqtune -f -n 'string match -q -- "-*" (commandline -ct)' -a '(__irqtune_options)'
complete -c irqtune -f -n '__irqtune_is show' -a 'topology devices irqs vms all'
complete -c irqtune -f -n '__irqtune_is history' -a prune
complete -c irqtune -f -n '__irqtune_is rollback' -a '(__irqtune_ask id history)'
complete -c irqtune -f -n '__irqtune_is explain' -a '(__irqtune_ask address show devices)'
complete -c irqtune -f -l vm -r -a '(__irqtune_ask name show vms)'
complete -c irqtune -f -l device -r -a '(__irqtune_ask address show devices)'
complete -c irqtune -f -l policy -r -a 'avoid colocate leave'
complete -c irqtune -f -l scope -r -a 'passthrough evict all'
complete -c irqtune -f -l near -r -a 'device vm'
complete -c irqtune -f -l irqbalance -r -a 'warn ban'
complete -c irqtune -f -l format -r -a 'table json script'
complete -c irqtune -f -l fail-on -r -a 'note warning critical'
complete -c irqtune -f -l color -r -a 'auto always never'
complete -c irqtune -r -F -l root
complete -c irqtune -r -F -l state-dir
complete -c irqtune -r -F -l config
complete -c irqtune -r -F -l lscpu
complete -c irqtune -r -F -l against
complete -c irqtune -r -F -s o -l output
complete -c irqtune -F -n '__irqtune_is apply'
