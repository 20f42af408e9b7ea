# Completion of portbook for fish: portbook completion fish | source
#
# Written by portbook from the options of its commands. Ports, claims and names are asked for
# with `portbook completion --words`, which only reads.

# Reads what stands before the cursor, once for each line.
function __portbook_look
    set -l line (commandline -cp)
    test "$line" = "$__portbook_line"; and return
    set -g __portbook_line $line
    set -g __portbook_path ''
    set -g __portbook_given
    set -g __portbook_count 0
    set -g __portbook_program
    set -g __portbook_ended no
    set -l words (commandline -opc)
    set -e words[1]
    set -l current (commandline -ct)
    set -l next (__portbook_actions '')
    set -l valued (__portbook_valued '')
    set -l perhaps (__portbook_perhaps '')
    set -l program ''
    set -l expects no
    for at in (seq (count $words))
        set -l word $words[$at]
        if test $expects = always; or test $expects = maybe; and not string match -q -- '-*' $word
            set expects no
            continue
        end
        set expects no
        if test $__portbook_ended = yes
            set -g __portbook_count (math $__portbook_count + 1)
        else if test "$word" = --
            set -g __portbook_ended yes
            if test -n "$program"
                set -g __portbook_path --program
                set -g __portbook_program $words[(math $at + 1)..]
                return
            end
        else if string match -q -- '-?*' $word
            set -a __portbook_given (string replace -r -- '=.*' '' $word)
            if contains -- $word $valued
                set expects always
            else if contains -- $word $perhaps
                set expects maybe
            end
        else if test $__portbook_count = 0; and contains -- $word $next
            set -g __portbook_path (string trim -- "$__portbook_path $word")
            set next (__portbook_actions $__portbook_path)
            set valued (__portbook_valued $__portbook_path)
            set perhaps (__portbook_perhaps $__portbook_path)
            set program (__portbook_program_at $__portbook_path)
        else if test "$program" = here
            set -g __portbook_path --program
            set -g __portbook_program $words[$at..]
            return
        else
            set -g __portbook_count (math $__portbook_count + 1)
        end
    end
    if test "$program" = here; and test $expects != always; and not string match -q -- '-*' $current
        set -g __portbook_path --program
    end
end

# Whether this command is being typed.
function __portbook_at
    __portbook_look
    test "$__portbook_path" = "$argv[1]"
end

# Whether this place is being typed, or one behind it.
function __portbook_place
    test $__portbook_count -eq $argv[1]; and return
    test "$argv[2]" = more; and test $__portbook_count -gt $argv[1]
end

# Whether no command begins like this: 300 services that do would hide it.
function __portbook_no_action
    set -l current (commandline -ct)
    test -z "$current"; or test $__portbook_count -gt 0
    or not string match -q -- "$current*" (__portbook_actions "$__portbook_path")
end

# Whether none of these options was given. One whose value is being typed is new.
function __portbook_new
    set -l given $__portbook_given
    if test $argv[1] = valued; and contains -- (commandline -opc)[-1] $argv[2..]
        set -e given[-1]
    end
    for option in $argv[2..]
        contains -- $option $given; and return 1
    end
    return 0
end

# The word that is being typed, without the option before it.
function __portbook_value
    string replace -r -- '^--[^=]*=' '' (commandline -ct)
end

# What only this machine knows, with what it is beside it.
function __portbook_words
    set -l value (__portbook_value)
    string match -q -- '-*' "$value"; and return
    command -q portbook; or return
    command portbook completion --words $argv[1] "$value" 2>/dev/null </dev/null
end

# Another program's command line: its own completion goes on.
function __portbook_other
    complete -C (string join ' ' -- (string escape -- $__portbook_program) (commandline -ct))
end

complete -c portbook -e
complete -c portbook -f
complete -c portbook -n '__portbook_at --program' -f -a '(__portbook_other)'

# The words that may come next.
function __portbook_actions
    switch $argv[1]
        case ''
            string split ' ' -- 'ls identify why explain-error free reserve unreserve env run claim renew release claims sem watch lint audit stop decoy record history search orphans map serve open export-site feedback mcp metrics completion sources update'
        case 'sem'
            string split ' ' -- 'run acquire renew release list'
    end
end

# The options that take a value.
function __portbook_valued
    switch $argv[1]
        case '' 'why' 'explain-error'
            string split ' ' -- '--color --root --source'
        case 'ls'
            string split ' ' -- '--color --root --source --port --user --unit --process --sort --watch --format --template'
        case 'identify'
            string split ' ' -- '--color --root --source --wait'
        case 'free'
            string split ' ' -- '--color --root --source --count --near --range'
        case 'reserve'
            string split ' ' -- '--color --port --near --count --project --systemd-unit'
        case 'unreserve'
            string split ' ' -- '--color --project'
        case 'env'
            string split ' ' -- '--color --name --dotenv --project'
        case 'run'
            string split ' ' -- '--color --name --port --near --range --env --host --wait --ready-http'
        case 'claim'
            string split ' ' -- '--color --port --near --range --name --project --count --ttl --pid --wait --label'
        case 'renew'
            string split ' ' -- '--color --token --ttl'
        case 'release'
            string split ' ' -- '--color --token'
        case 'claims'
            string split ' ' -- '--color --port --watch'
        case 'sem' 'mcp' 'completion' 'sources'
            string split ' ' -- '--color'
        case 'sem run'
            string split ' ' -- '--limit --n --wait'
        case 'sem acquire'
            string split ' ' -- '--limit --n --wait --ttl --pid'
        case 'sem renew'
            string split ' ' -- '--token --ttl'
        case 'sem release'
            string split ' ' -- '--token'
        case 'watch'
            string split ' ' -- '--color --pcap --host --interface --for --top --rates'
        case 'lint'
            string split ' ' -- '--color --select --ignore --exclude --fail-on --baseline --write-baseline --explain --stdin-filename'
        case 'audit'
            string split ' ' -- '--color --root --source --baseline --write-baseline --fail-on'
        case 'stop'
            string split ' ' -- '--color --root --source --address --wait'
        case 'decoy'
            string split ' ' -- '--color --root --source --address --for --most-visits --most-connections --keep'
        case 'record'
            string split ' ' -- '--color --root --source --every --for --database --limit-size'
        case 'history'
            string split ' ' -- '--color --root --source --since --until --database --limit'
        case 'search'
            string split ' ' -- '--color --limit'
        case 'orphans'
            string split ' ' -- '--color --range --assignee --year'
        case 'map'
            string split ' ' -- '--color --root --source --by --layout --port --svg --png'
        case 'serve'
            string split ' ' -- '--color --root --source --host --port --name --socket --portserver --store --watch --tls-cert --tls-key'
        case 'open'
            string split ' ' -- '--color --host --port'
        case 'export-site'
            string split ' ' -- '--color --language --ports --jobs --base-url'
        case 'feedback'
            string split ' ' -- '--color --page --since --database --limit'
        case 'metrics'
            string split ' ' -- '--color --root --source --textfile'
        case 'update'
            string split ' ' -- '--color --from'
    end
end

# The options that may take one.
function __portbook_perhaps
    switch $argv[1]
        case 'run'
            string split ' ' -- '--ready'
        case 'mcp'
            string split ' ' -- '--http'
    end
end

# Where another program's command line begins: here, or behind --.
function __portbook_program_at
    switch $argv[1]
        case 'run'
            string split ' ' -- 'here'
        case 'sem' 'sem run' 'sem acquire' 'sem renew' 'sem release' 'sem list'
            string split ' ' -- 'dashes'
    end
end

complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'ls' -d 'every listener of this machine, with owner and verdict'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'identify' -d 'what listeners really speak, by asking them'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'why' -d 'why a port can or cannot be bound'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'explain-error' -d 'why, for the port in a program\'s \'address already in use\''
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'free' -d 'numbers that are free to take, and why these'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'reserve' -d 'a number for good, for a project and a name'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'unreserve' -d 'give such a number back'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'env' -d 'the numbers of a project as variables, for a shell or a .env file'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'run' -d 'a program with a port of its own that nobody else can take'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'claim' -d 'a port that nobody else who asks gets'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'renew' -d 'begin the lease of a claim anew'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'release' -d 'give a claimed port back'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'claims' -d 'who has claimed what, bound or squatted'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'sem' -d 'named semaphores: so many at a time'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'watch' -d 'what calls a port: clients, health checks, probes, scans'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'lint' -d 'the ports that a project\'s files declare: what collides, what disagrees'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'audit' -d 'which listeners do not belong, and what changed'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'stop' -d 'end what listens on a port'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'decoy' -d 'stand on a port, say nothing, and tell what visitors wanted'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'record' -d 'write down who listens, change by change'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'history' -d 'who held a port, and when'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'search' -d 'find services by name, description, assignee or product'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'orphans' -d 'registrations that nothing public uses any more'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'map' -d 'the port space as a picture, in the terminal or as a file'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'serve' -d 'a page for every port, on http://127.0.0.1:3255/'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'open' -d 'open those pages in a browser, with what this machine does'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'export-site' -d 'those pages as files, for any web server or none'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'feedback' -d 'what visitors of the book said about its pages'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'mcp' -d 'these answers for coding agents (Model Context Protocol)'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'metrics' -d 'listeners, claims and callers for Prometheus, as a textfile too'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'completion' -d 'a script that completes commands, options and ports in your shell'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'sources' -d 'the public sources that were asked whether a registration is used'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_place 0' -f -a 'update' -d 'import IANA\'s current registry'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_new valued --root' -l root -r -f -a '(__fish_complete_directories (__portbook_value))' -d 'a recorded host instead of /'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_new flag --no-probe' -l no-probe -d 'only read: no bind() is tried, nothing is connected'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_new valued --source' -l source -r -f -a 'netlink procnet psutil' -d 'read sockets from netlink, procnet or psutil (default: the first that answers)'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_new flag --version' -l version -d 'show program\'s version number and exit'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_new flag --wide' -l wide -d 'cut nothing, show every use'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_new flag --why' -l why -d 'only who holds it here, and why that is running'
complete -c portbook -n '__portbook_at \'\'' -n '__portbook_no_action; and __portbook_place 0 more' -f -a '(__portbook_words ports)'
complete -c portbook -n '__portbook_at \'ls\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'ls\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'ls\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'ls\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'ls\'' -n '__portbook_new valued --root' -l root -r -f -a '(__fish_complete_directories (__portbook_value))' -d 'a recorded host instead of /'
complete -c portbook -n '__portbook_at \'ls\'' -n '__portbook_new flag --no-probe' -l no-probe -d 'only read: no bind() is tried, nothing is connected'
complete -c portbook -n '__portbook_at \'ls\'' -n '__portbook_new valued --source' -l source -r -f -a 'netlink procnet psutil' -d 'read sockets from netlink, procnet or psutil (default: the first that answers)'
complete -c portbook -n '__portbook_at \'ls\'' -n '__portbook_new flag --tcp' -l tcp -d 'only TCP'
complete -c portbook -n '__portbook_at \'ls\'' -n '__portbook_new flag --udp' -l udp -d 'only UDP'
complete -c portbook -n '__portbook_at \'ls\'' -l port -r -f -a '(__portbook_words listening)' -d 'only these ports'
complete -c portbook -n '__portbook_at \'ls\'' -n '__portbook_new valued --user' -l user -r -f -a '(__portbook_words users)' -d 'only sockets of this user (name or id)'
complete -c portbook -n '__portbook_at \'ls\'' -n '__portbook_new valued --unit' -l unit -r -f -a '(__portbook_words units)' -d 'only what runs in this systemd unit'
complete -c portbook -n '__portbook_at \'ls\'' -n '__portbook_new valued --process' -l process -r -f -a '(__portbook_words processes)' -d 'only owners whose name holds NAME'
complete -c portbook -n '__portbook_at \'ls\'' -n '__portbook_new flag --all-netns' -l all-netns -d 'other network namespaces too (containers, ...)'
complete -c portbook -n '__portbook_at \'ls\'' -n '__portbook_new flag --identify' -l identify -d 'ask each listener what it speaks'
complete -c portbook -n '__portbook_at \'ls\'' -n '__portbook_new flag --wide' -l wide -d 'cut nothing; every owner a line'
complete -c portbook -n '__portbook_at \'ls\'' -n '__portbook_new valued --sort' -l sort -r -f -a 'port address process user verdict reach' -d 'port, address, process, user, verdict, reach'
complete -c portbook -n '__portbook_at \'ls\'' -n '__portbook_new valued --watch' -l watch -r -f -d 'again and again'
complete -c portbook -n '__portbook_at \'ls\'' -n '__portbook_new valued --format' -l format -r -f -a 'table csv tsv json jsonl prom markdown' -d 'table, csv, tsv, json, jsonl, prom, markdown'
complete -c portbook -n '__portbook_at \'ls\'' -n '__portbook_new valued --template' -l template -r -f -d 'a line for each: \'{port}/{transport} {owner.name}\''
complete -c portbook -n '__portbook_at \'identify\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'identify\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'identify\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'identify\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'identify\'' -n '__portbook_new valued --root' -l root -r -f -a '(__fish_complete_directories (__portbook_value))' -d 'a recorded host instead of /'
complete -c portbook -n '__portbook_at \'identify\'' -n '__portbook_new flag --no-probe' -l no-probe -d 'only read: no bind() is tried, nothing is connected'
complete -c portbook -n '__portbook_at \'identify\'' -n '__portbook_new valued --source' -l source -r -f -a 'netlink procnet psutil' -d 'read sockets from netlink, procnet or psutil (default: the first that answers)'
complete -c portbook -n '__portbook_at \'identify\'' -n '__portbook_new flag --tcp' -l tcp -d 'only TCP'
complete -c portbook -n '__portbook_at \'identify\'' -n '__portbook_new flag --udp' -l udp -d 'only UDP'
complete -c portbook -n '__portbook_at \'identify\'' -n '__portbook_new valued --wait' -l wait -r -f -d 'how long silence may take (default: 2.6)'
complete -c portbook -n '__portbook_at \'identify\'' -n '__portbook_new flag --include-printers' -l include-printers -d 'ask ports 9100-9107, which may print it'
complete -c portbook -n '__portbook_at \'identify\'' -n '__portbook_new flag --wire-only' -l wire-only -d 'withhold what is known of the process'
complete -c portbook -n '__portbook_at \'identify\'' -n '__portbook_place 0 more' -f -a '(__portbook_words listening)'
complete -c portbook -n '__portbook_at \'why\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'why\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'why\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'why\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'why\'' -n '__portbook_new valued --root' -l root -r -f -a '(__fish_complete_directories (__portbook_value))' -d 'a recorded host instead of /'
complete -c portbook -n '__portbook_at \'why\'' -n '__portbook_new flag --no-probe' -l no-probe -d 'only read: no bind() is tried, nothing is connected'
complete -c portbook -n '__portbook_at \'why\'' -n '__portbook_new valued --source' -l source -r -f -a 'netlink procnet psutil' -d 'read sockets from netlink, procnet or psutil (default: the first that answers)'
complete -c portbook -n '__portbook_at \'why\'' -n '__portbook_place 0' -f -a '(__portbook_words ports)'
complete -c portbook -n '__portbook_at \'explain-error\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'explain-error\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'explain-error\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'explain-error\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'explain-error\'' -n '__portbook_new valued --root' -l root -r -f -a '(__fish_complete_directories (__portbook_value))' -d 'a recorded host instead of /'
complete -c portbook -n '__portbook_at \'explain-error\'' -n '__portbook_new flag --no-probe' -l no-probe -d 'only read: no bind() is tried, nothing is connected'
complete -c portbook -n '__portbook_at \'explain-error\'' -n '__portbook_new valued --source' -l source -r -f -a 'netlink procnet psutil' -d 'read sockets from netlink, procnet or psutil (default: the first that answers)'
complete -c portbook -n '__portbook_at \'explain-error\'' -n '__portbook_place 0' -F
complete -c portbook -n '__portbook_at \'free\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'free\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'free\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'free\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'free\'' -n '__portbook_new valued --root' -l root -r -f -a '(__fish_complete_directories (__portbook_value))' -d 'a recorded host instead of /'
complete -c portbook -n '__portbook_at \'free\'' -n '__portbook_new flag --no-probe' -l no-probe -d 'only read: no bind() is tried, nothing is connected'
complete -c portbook -n '__portbook_at \'free\'' -n '__portbook_new valued --source' -l source -r -f -a 'netlink procnet psutil' -d 'read sockets from netlink, procnet or psutil (default: the first that answers)'
complete -c portbook -n '__portbook_at \'free\'' -n '__portbook_new valued --count' -l count -r -f -d 'how many numbers (default: 1)'
complete -c portbook -n '__portbook_at \'free\'' -n '__portbook_new flag --contiguous' -l contiguous -d 'neighbours: 7000, 7001, 7002 (with --count)'
complete -c portbook -n '__portbook_at \'free\'' -n '__portbook_new valued --near' -l near -r -f -d 'the nearest to this number'
complete -c portbook -n '__portbook_at \'free\'' -n '__portbook_new valued --range' -l range -r -f -d 'from these alone, whatever IANA registered there'
complete -c portbook -n '__portbook_at \'free\'' -n '__portbook_new flag --tcp --udp' -l tcp -d 'free for TCP is enough'
complete -c portbook -n '__portbook_at \'free\'' -n '__portbook_new flag --udp --tcp' -l udp -d 'free for UDP is enough'
complete -c portbook -n '__portbook_at \'free\'' -n '__portbook_new flag --explain' -l explain -d 'every reason, and every number passed over'
complete -c portbook -n '__portbook_at \'reserve\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'reserve\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'reserve\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'reserve\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'reserve\'' -n '__portbook_new valued --port --near' -l port -r -f -d 'this number'
complete -c portbook -n '__portbook_at \'reserve\'' -n '__portbook_new valued --near --port' -l near -r -f -d 'the nearest to this one'
complete -c portbook -n '__portbook_at \'reserve\'' -n '__portbook_new valued --count' -l count -r -f -d 'so many neighbours (default: 1)'
complete -c portbook -n '__portbook_at \'reserve\'' -n '__portbook_new valued --project' -l project -r -f -a '(__fish_complete_directories (__portbook_value))' -d 'for the project of DIR'
complete -c portbook -n '__portbook_at \'reserve\'' -n '__portbook_new flag --list' -l list -d 'every reservation of this machine'
complete -c portbook -n '__portbook_at \'reserve\'' -n '__portbook_new flag --kernel' -l kernel -d 'print the sysctl line that keeps the kernel from giving the reserved numbers away'
complete -c portbook -n '__portbook_at \'reserve\'' -n '__portbook_new flag --apply' -l apply -d 'with --kernel: set it now (as root)'
complete -c portbook -n '__portbook_at \'reserve\'' -n '__portbook_new valued --systemd-unit' -l systemd-unit -r -F -d 'write a .socket unit for the number; - is stdout'
complete -c portbook -n '__portbook_at \'reserve\'' -n '__portbook_new flag --force' -l force -d 'let it replace a file'
complete -c portbook -n '__portbook_at \'reserve\'' -n '__portbook_place 0' -f -a '(__portbook_words reservations)'
complete -c portbook -n '__portbook_at \'unreserve\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'unreserve\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'unreserve\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'unreserve\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'unreserve\'' -n '__portbook_new valued --project' -l project -r -f -a '(__fish_complete_directories (__portbook_value))' -d 'NAME of the project of DIR'
complete -c portbook -n '__portbook_at \'unreserve\'' -n '__portbook_place 0' -f -a '(__portbook_words reservations)'
complete -c portbook -n '__portbook_at \'env\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'env\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'env\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'env\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'env\'' -l name -r -f -a '(__portbook_words reservations)' -d 'this number, reserved if it is not yet; the variable is NAME_PORT by default'
complete -c portbook -n '__portbook_at \'env\'' -n '__portbook_new valued --dotenv' -l dotenv -r -F -d 'set them in this file instead'
complete -c portbook -n '__portbook_at \'env\'' -n '__portbook_new flag --export' -l export -d 'for child processes: export NAME=…'
complete -c portbook -n '__portbook_at \'env\'' -n '__portbook_new valued --project' -l project -r -f -a '(__fish_complete_directories (__portbook_value))' -d 'of the project of DIR'
complete -c portbook -n '__portbook_at \'run\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'run\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'run\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'run\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'run\'' -n '__portbook_new valued --name' -l name -r -f -a '(__portbook_words reservations)' -d 'the same number for this project and name'
complete -c portbook -n '__portbook_at \'run\'' -n '__portbook_new valued --port --near --range' -l port -r -f -d 'exactly this one'
complete -c portbook -n '__portbook_at \'run\'' -n '__portbook_new valued --near --port --range' -l near -r -f -d 'the free one that is nearest to P'
complete -c portbook -n '__portbook_at \'run\'' -n '__portbook_new valued --range --port --near' -l range -r -f -d 'one from A to B'
complete -c portbook -n '__portbook_at \'run\'' -l env -r -f -d 'a port for each; the first: PORT'
complete -c portbook -n '__portbook_at \'run\'' -n '__portbook_new valued --host' -l host -r -f -d 'what HOST says'
complete -c portbook -n '__portbook_at \'run\'' -n '__portbook_new valued --wait' -l wait -r -f -d 'for it'
complete -c portbook -n '__portbook_at \'run\'' -n '__portbook_new flag --udp' -l udp -d 'over UDP'
complete -c portbook -n '__portbook_at \'run\'' -n '__portbook_new flag --fd --release-at-exec' -l fd -d 'pass a listening socket (LISTEN_FDS)'
complete -c portbook -n '__portbook_at \'run\'' -n '__portbook_new flag --release-at-exec --fd' -l release-at-exec -d 'for servers without SO_REUSEADDR'
complete -c portbook -n '__portbook_at \'run\'' -n '__portbook_new flag --ready' -l ready -d 'say when it listens, and end it if it does not within TIME (30s)'
complete -c portbook -n '__portbook_at \'run\'' -n '__portbook_new valued --ready-http' -l ready-http -r -f -d 'ready when this page is answered'
complete -c portbook -n '__portbook_at \'run\'' -n '__portbook_new flag --quiet' -l quiet -d 'say only what went wrong'
complete -c portbook -n '__portbook_at \'claim\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'claim\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'claim\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'claim\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'claim\'' -n '__portbook_new valued --port --near --range' -l port -r -f -d 'exactly this one'
complete -c portbook -n '__portbook_at \'claim\'' -n '__portbook_new valued --near --port --range' -l near -r -f -d 'the free one that is nearest to P'
complete -c portbook -n '__portbook_at \'claim\'' -n '__portbook_new valued --range --port --near' -l range -r -f -d 'one from A to B'
complete -c portbook -n '__portbook_at \'claim\'' -n '__portbook_new valued --name' -l name -r -f -a '(__portbook_words reservations)' -d 'the same number for this project and name'
complete -c portbook -n '__portbook_at \'claim\'' -n '__portbook_new valued --project' -l project -r -f -a '(__fish_complete_directories (__portbook_value))' -d 'a folder of the project (here)'
complete -c portbook -n '__portbook_at \'claim\'' -n '__portbook_new valued --count' -l count -r -f -d 'so many ports'
complete -c portbook -n '__portbook_at \'claim\'' -n '__portbook_new flag --contiguous' -l contiguous -d 'which are neighbours'
complete -c portbook -n '__portbook_at \'claim\'' -n '__portbook_new flag --tcp' -l tcp -d 'over TCP (the default)'
complete -c portbook -n '__portbook_at \'claim\'' -n '__portbook_new flag --udp' -l udp -d 'over UDP; with --tcp for both'
complete -c portbook -n '__portbook_at \'claim\'' -n '__portbook_new valued --ttl' -l ttl -r -f -d '10m, 2h, 7d'
complete -c portbook -n '__portbook_at \'claim\'' -n '__portbook_new valued --pid' -l pid -r -f -d 'for as long as this process lives'
complete -c portbook -n '__portbook_at \'claim\'' -n '__portbook_new flag --hold' -l hold -d 'the service holds it with a socket'
complete -c portbook -n '__portbook_at \'claim\'' -n '__portbook_new valued --wait' -l wait -r -f -d 'for one that is held'
complete -c portbook -n '__portbook_at \'claim\'' -l label -r -f -d 'to show others'
complete -c portbook -n '__portbook_at \'claim\'' -n '__portbook_new flag --export' -l export -d 'for eval "$(portbook claim …)"'
complete -c portbook -n '__portbook_at \'renew\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'renew\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'renew\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'renew\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'renew\'' -n '__portbook_new valued --token' -l token -r -f -d 'of the claim'
complete -c portbook -n '__portbook_at \'renew\'' -n '__portbook_new valued --ttl' -l ttl -r -f -d '10m, 2h, 7d (as before)'
complete -c portbook -n '__portbook_at \'renew\'' -n '__portbook_place 0' -f -a '(__portbook_words claims)'
complete -c portbook -n '__portbook_at \'release\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'release\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'release\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'release\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'release\'' -n '__portbook_new valued --token' -l token -r -f -d 'of the claim with that ID'
complete -c portbook -n '__portbook_at \'release\'' -n '__portbook_place 0 more' -f -a '(__portbook_words claims)'
complete -c portbook -n '__portbook_at \'claims\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'claims\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'claims\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'claims\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'claims\'' -l port -r -f -a '(__portbook_words ports)' -d 'only these ports'
complete -c portbook -n '__portbook_at \'claims\'' -n '__portbook_new flag --all' -l all -d 'the reserved numbers too'
complete -c portbook -n '__portbook_at \'claims\'' -n '__portbook_new valued --watch' -l watch -r -f -d 'again and again'
complete -c portbook -n '__portbook_at \'sem\'' -n '__portbook_place 0' -f -a 'run' -d 'run a program while holding a permit: sem run NAME --limit N -- PROGRAM …'
complete -c portbook -n '__portbook_at \'sem\'' -n '__portbook_place 0' -f -a 'acquire' -d 'take a permit: sem acquire NAME --limit N'
complete -c portbook -n '__portbook_at \'sem\'' -n '__portbook_place 0' -f -a 'renew' -d 'begin its lease anew: sem renew NAME [ID]'
complete -c portbook -n '__portbook_at \'sem\'' -n '__portbook_place 0' -f -a 'release' -d 'give it back: sem release NAME [ID]'
complete -c portbook -n '__portbook_at \'sem\'' -n '__portbook_place 0' -f -a 'list' -d 'who holds what, and who waits: sem list [NAME]'
complete -c portbook -n '__portbook_at \'sem\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'sem\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'sem\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'sem\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'sem run\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'sem run\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'sem run\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'sem run\'' -n '__portbook_new valued --limit' -l limit -r -f -d 'units it has'
complete -c portbook -n '__portbook_at \'sem run\'' -n '__portbook_new valued --n' -l n -r -f -d 'units to take (1)'
complete -c portbook -n '__portbook_at \'sem run\'' -n '__portbook_new valued --wait' -l wait -r -f -d 'as long as it takes'
complete -c portbook -n '__portbook_at \'sem run\'' -n '__portbook_place 0' -f -a '(__portbook_words semaphores)'
complete -c portbook -n '__portbook_at \'sem acquire\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'sem acquire\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'sem acquire\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'sem acquire\'' -n '__portbook_new valued --limit' -l limit -r -f -d 'units it has'
complete -c portbook -n '__portbook_at \'sem acquire\'' -n '__portbook_new valued --n' -l n -r -f -d 'units to take (1)'
complete -c portbook -n '__portbook_at \'sem acquire\'' -n '__portbook_new valued --wait' -l wait -r -f -d 'as long as it takes'
complete -c portbook -n '__portbook_at \'sem acquire\'' -n '__portbook_new valued --ttl' -l ttl -r -f
complete -c portbook -n '__portbook_at \'sem acquire\'' -n '__portbook_new valued --pid' -l pid -r -f
complete -c portbook -n '__portbook_at \'sem acquire\'' -n '__portbook_place 0' -f -a '(__portbook_words semaphores)'
complete -c portbook -n '__portbook_at \'sem renew\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'sem renew\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'sem renew\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'sem renew\'' -n '__portbook_new valued --token' -l token -r -f
complete -c portbook -n '__portbook_at \'sem renew\'' -n '__portbook_new valued --ttl' -l ttl -r -f
complete -c portbook -n '__portbook_at \'sem renew\'' -n '__portbook_place 0' -f -a '(__portbook_words semaphores)'
complete -c portbook -n '__portbook_at \'sem renew\'' -n '__portbook_place 1' -f -a '(__portbook_words permits)'
complete -c portbook -n '__portbook_at \'sem release\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'sem release\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'sem release\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'sem release\'' -n '__portbook_new valued --token' -l token -r -f
complete -c portbook -n '__portbook_at \'sem release\'' -n '__portbook_place 0' -f -a '(__portbook_words semaphores)'
complete -c portbook -n '__portbook_at \'sem release\'' -n '__portbook_place 1' -f -a '(__portbook_words permits)'
complete -c portbook -n '__portbook_at \'sem list\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'sem list\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'sem list\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'sem list\'' -n '__portbook_place 0' -f -a '(__portbook_words semaphores)'
complete -c portbook -n '__portbook_at \'watch\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'watch\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'watch\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'watch\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'watch\'' -n '__portbook_new valued --pcap' -l pcap -r -F -d 'read a capture (pcap, pcapng; gzip, zstd); - for stdin'
complete -c portbook -n '__portbook_at \'watch\'' -l host -r -f -d 'an address or network of ours (10.0.0.0/8 too: it is never contacted); again for more; without it the capture tells, or this machine\'s addresses'
complete -c portbook -n '__portbook_at \'watch\'' -n '__portbook_new valued --interface' -l interface -r -f -a '(__portbook_words interfaces)' -d 'watch this one (default: all)'
complete -c portbook -n '__portbook_at \'watch\'' -n '__portbook_new valued --for' -l for -r -f -d '60, 10m, 1h (default: until Ctrl-C)'
complete -c portbook -n '__portbook_at \'watch\'' -n '__portbook_new valued --top' -l top -r -f -d 'list N sources (20; as JSON 10000), 0 for all'
complete -c portbook -n '__portbook_at \'watch\'' -n '__portbook_new flag --verbose' -l verbose -d 'every reason for and against each verdict'
complete -c portbook -n '__portbook_at \'watch\'' -n '__portbook_new flag --calibrate' -l calibrate -d 'estimate the rates below from the capture'
complete -c portbook -n '__portbook_at \'watch\'' -n '__portbook_new valued --rates' -l rates -r -f -d 'how often a first contact succeeds, of a client and of a scanner (0.8,0.2)'
complete -c portbook -n '__portbook_at \'watch\'' -n '__portbook_place 0 more' -f -a '(__portbook_words listening)'
complete -c portbook -n '__portbook_at \'lint\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'lint\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'lint\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'lint\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'lint\'' -n '__portbook_new flag --here' -l here -d 'compare with what listens here, and with the claims and reservations of others'
complete -c portbook -n '__portbook_at \'lint\'' -n '__portbook_new valued --select' -l select -r -f -a '(__portbook_words rules)' -d 'these alone: PB101,PB2 (beginnings too)'
complete -c portbook -n '__portbook_at \'lint\'' -n '__portbook_new valued --ignore' -l ignore -r -f -a '(__portbook_words rules)' -d 'not these'
complete -c portbook -n '__portbook_at \'lint\'' -l exclude -r -f -d 'leave files and folders out, as .gitignore writes them; again for more'
complete -c portbook -n '__portbook_at \'lint\'' -n '__portbook_new valued --fail-on' -l fail-on -r -f -a 'error warning note' -d 'exit with 1 on findings as severe as this (default: warning)'
complete -c portbook -n '__portbook_at \'lint\'' -n '__portbook_new valued --baseline' -l baseline -r -F -d 'what it has is known, and fails nothing'
complete -c portbook -n '__portbook_at \'lint\'' -n '__portbook_new valued --write-baseline' -l write-baseline -r -F -d 'take every finding for known'
complete -c portbook -n '__portbook_at \'lint\'' -n '__portbook_new flag --sarif' -l sarif -d 'print one SARIF 2.1.0 log'
complete -c portbook -n '__portbook_at \'lint\'' -n '__portbook_new flag --github' -l github -d 'print annotations of GitHub Actions'
complete -c portbook -n '__portbook_at \'lint\'' -n '__portbook_new flag --list' -l list -d 'every port that is declared, without a judgement'
complete -c portbook -n '__portbook_at \'lint\'' -n '__portbook_new flag --rules' -l rules -d 'list the rules'
complete -c portbook -n '__portbook_at \'lint\'' -n '__portbook_new valued --explain' -l explain -r -f -a '(__portbook_words rules)' -d 'print the page of a rule'
complete -c portbook -n '__portbook_at \'lint\'' -n '__portbook_new flag --fix' -l fix -d 'give what collides a free number, wherever it must agree; shows it and asks first'
complete -c portbook -n '__portbook_at \'lint\'' -n '__portbook_new flag --diff' -l diff -d 'with --fix: only show it'
complete -c portbook -n '__portbook_at \'lint\'' -n '__portbook_new flag --yes' -l yes -d 'with --fix: do not ask'
complete -c portbook -n '__portbook_at \'lint\'' -n '__portbook_new valued --stdin-filename' -l stdin-filename -r -F -d 'with - as PATH: the file that stdin is, unsaved'
complete -c portbook -n '__portbook_at \'lint\'' -n '__portbook_new flag --no-cache' -l no-cache -d 'read every file anew, and keep nothing'
complete -c portbook -n '__portbook_at \'lint\'' -n '__portbook_place 0 more' -F
complete -c portbook -n '__portbook_at \'audit\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'audit\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'audit\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'audit\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'audit\'' -n '__portbook_new valued --root' -l root -r -f -a '(__fish_complete_directories (__portbook_value))' -d 'a recorded host instead of /'
complete -c portbook -n '__portbook_at \'audit\'' -n '__portbook_new flag --no-probe' -l no-probe -d 'only read: no bind() is tried, nothing is connected'
complete -c portbook -n '__portbook_at \'audit\'' -n '__portbook_new valued --source' -l source -r -f -a 'netlink procnet psutil' -d 'read sockets from netlink, procnet or psutil (default: the first that answers)'
complete -c portbook -n '__portbook_at \'audit\'' -n '__portbook_new flag --sarif' -l sarif -d 'print one SARIF 2.1.0 log'
complete -c portbook -n '__portbook_at \'audit\'' -n '__portbook_new valued --baseline' -l baseline -r -F -d 'compare with it, and let what it has be known'
complete -c portbook -n '__portbook_at \'audit\'' -n '__portbook_new valued --write-baseline' -l write-baseline -r -F -d 'take everything as it is now for granted'
complete -c portbook -n '__portbook_at \'audit\'' -n '__portbook_new valued --fail-on' -l fail-on -r -f -a 'high medium low info' -d 'exit with 1 on findings as severe as this (default: medium)'
complete -c portbook -n '__portbook_at \'audit\'' -n '__portbook_new flag --hidden' -l hidden -d 'try every port with bind(), for listeners that no table shows'
complete -c portbook -n '__portbook_at \'stop\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'stop\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'stop\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'stop\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'stop\'' -n '__portbook_new valued --root' -l root -r -f -a '(__fish_complete_directories (__portbook_value))' -d 'a recorded host instead of /'
complete -c portbook -n '__portbook_at \'stop\'' -n '__portbook_new flag --no-probe' -l no-probe -d 'only read: no bind() is tried, nothing is connected'
complete -c portbook -n '__portbook_at \'stop\'' -n '__portbook_new valued --source' -l source -r -f -a 'netlink procnet psutil' -d 'read sockets from netlink, procnet or psutil (default: the first that answers)'
complete -c portbook -n '__portbook_at \'stop\'' -n '__portbook_new valued --address' -l address -r -f -d 'only what listens on this address'
complete -c portbook -n '__portbook_at \'stop\'' -n '__portbook_new flag --all' -l all -d 'every owner, where there are several'
complete -c portbook -n '__portbook_at \'stop\'' -n '__portbook_new flag --tree' -l tree -d 'its descendants as well'
complete -c portbook -n '__portbook_at \'stop\'' -n '__portbook_new flag --force' -l force -d 'kill what does not end; also a protected program'
complete -c portbook -n '__portbook_at \'stop\'' -n '__portbook_new flag --yes' -l yes -d 'do not ask'
complete -c portbook -n '__portbook_at \'stop\'' -n '__portbook_new flag --dry-run' -l dry-run -d 'only say what would be done'
complete -c portbook -n '__portbook_at \'stop\'' -n '__portbook_new valued --wait' -l wait -r -f -d 'for its end (5s)'
complete -c portbook -n '__portbook_at \'stop\'' -n '__portbook_place 0' -f -a '(__portbook_words listening)'
complete -c portbook -n '__portbook_at \'decoy\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'decoy\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'decoy\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'decoy\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'decoy\'' -n '__portbook_new valued --root' -l root -r -f -a '(__fish_complete_directories (__portbook_value))' -d 'a recorded host instead of /'
complete -c portbook -n '__portbook_at \'decoy\'' -n '__portbook_new flag --no-probe' -l no-probe -d 'only read: no bind() is tried, nothing is connected'
complete -c portbook -n '__portbook_at \'decoy\'' -n '__portbook_new valued --source' -l source -r -f -a 'netlink procnet psutil' -d 'read sockets from netlink, procnet or psutil (default: the first that answers)'
complete -c portbook -n '__portbook_at \'decoy\'' -n '__portbook_new valued --address' -l address -r -f -d 'where to stand (loopback); 0.0.0.0 and :: are everywhere'
complete -c portbook -n '__portbook_at \'decoy\'' -n '__portbook_new valued --for' -l for -r -f -d 'end after this time'
complete -c portbook -n '__portbook_at \'decoy\'' -n '__portbook_new valued --most-visits' -l most-visits -r -f -d 'end after so many'
complete -c portbook -n '__portbook_at \'decoy\'' -n '__portbook_new valued --most-connections' -l most-connections -r -f -d 'at a time (64)'
complete -c portbook -n '__portbook_at \'decoy\'' -n '__portbook_new valued --keep' -l keep -r -f -a '(__fish_complete_directories (__portbook_value))' -d 'write the first bytes of each visit to a file there'
complete -c portbook -n '__portbook_at \'decoy\'' -n '__portbook_place 0 more' -f -a '(__portbook_words ports)'
complete -c portbook -n '__portbook_at \'record\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'record\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'record\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'record\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'record\'' -n '__portbook_new valued --root' -l root -r -f -a '(__fish_complete_directories (__portbook_value))' -d 'a recorded host instead of /'
complete -c portbook -n '__portbook_at \'record\'' -n '__portbook_new flag --no-probe' -l no-probe -d 'only read: no bind() is tried, nothing is connected'
complete -c portbook -n '__portbook_at \'record\'' -n '__portbook_new valued --source' -l source -r -f -a 'netlink procnet psutil' -d 'read sockets from netlink, procnet or psutil (default: the first that answers)'
complete -c portbook -n '__portbook_at \'record\'' -n '__portbook_new valued --every' -l every -r -f -d '1s, 10s (default), 5m'
complete -c portbook -n '__portbook_at \'record\'' -n '__portbook_new valued --for' -l for -r -f -d 'end after this time'
complete -c portbook -n '__portbook_at \'record\'' -n '__portbook_new flag --once' -l once -d 'one sample, then end'
complete -c portbook -n '__portbook_at \'record\'' -n '__portbook_new valued --database' -l database -r -F -d 'instead of the user\'s history.sqlite'
complete -c portbook -n '__portbook_at \'record\'' -n '__portbook_new valued --limit-size' -l limit-size -r -f -d 'forget the oldest beyond (64)'
complete -c portbook -n '__portbook_at \'history\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'history\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'history\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'history\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'history\'' -n '__portbook_new valued --root' -l root -r -f -a '(__fish_complete_directories (__portbook_value))' -d 'a recorded host instead of /'
complete -c portbook -n '__portbook_at \'history\'' -n '__portbook_new flag --no-probe' -l no-probe -d 'only read: no bind() is tried, nothing is connected'
complete -c portbook -n '__portbook_at \'history\'' -n '__portbook_new valued --source' -l source -r -f -a 'netlink procnet psutil' -d 'read sockets from netlink, procnet or psutil (default: the first that answers)'
complete -c portbook -n '__portbook_at \'history\'' -n '__portbook_new valued --since' -l since -r -f -d '2h, 2d, 1w ago, or an ISO date (UTC)'
complete -c portbook -n '__portbook_at \'history\'' -n '__portbook_new valued --until' -l until -r -f -d 'the same'
complete -c portbook -n '__portbook_at \'history\'' -n '__portbook_new valued --database' -l database -r -F -d 'instead of the user\'s history.sqlite'
complete -c portbook -n '__portbook_at \'history\'' -n '__portbook_new valued --limit' -l limit -r -f -d 'the newest N (1000); 0 for all'
complete -c portbook -n '__portbook_at \'history\'' -n '__portbook_new flag --wide' -l wide -d 'cut nothing'
complete -c portbook -n '__portbook_at \'history\'' -n '__portbook_place 0' -f -a '(__portbook_words ports)'
complete -c portbook -n '__portbook_at \'search\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'search\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'search\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'search\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'search\'' -n '__portbook_new valued --limit' -l limit -r -f -d 'at most N (50)'
complete -c portbook -n '__portbook_at \'search\'' -n '__portbook_new flag --wide' -l wide -d 'cut nothing'
complete -c portbook -n '__portbook_at \'orphans\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'orphans\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'orphans\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'orphans\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'orphans\'' -n '__portbook_new valued --range' -l range -r -f -a 'system user dynamic' -d 'only this range: system, user, dynamic'
complete -c portbook -n '__portbook_at \'orphans\'' -n '__portbook_new valued --assignee' -l assignee -r -f -d 'only of this assignee, as IANA names it'
complete -c portbook -n '__portbook_at \'orphans\'' -n '__portbook_new valued --year' -l year -r -f -d 'only registered in this year'
complete -c portbook -n '__portbook_at \'orphans\'' -n '__portbook_new flag --all' -l all -d 'also those that are no orphans'
complete -c portbook -n '__portbook_at \'orphans\'' -n '__portbook_new flag --stats' -l stats -d 'count the whole registry instead: the census'
complete -c portbook -n '__portbook_at \'orphans\'' -n '__portbook_new flag --wide' -l wide -d 'cut nothing'
complete -c portbook -n '__portbook_at \'map\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'map\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'map\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'map\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'map\'' -n '__portbook_new valued --root' -l root -r -f -a '(__fish_complete_directories (__portbook_value))' -d 'a recorded host instead of /'
complete -c portbook -n '__portbook_at \'map\'' -n '__portbook_new flag --no-probe' -l no-probe -d 'only read: no bind() is tried, nothing is connected'
complete -c portbook -n '__portbook_at \'map\'' -n '__portbook_new valued --source' -l source -r -f -a 'netlink procnet psutil' -d 'read sockets from netlink, procnet or psutil (default: the first that answers)'
complete -c portbook -n '__portbook_at \'map\'' -n '__portbook_new valued --by' -l by -r -f -a 'life year range here' -d 'colour by life (default), registration year, range, or what listens here'
complete -c portbook -n '__portbook_at \'map\'' -n '__portbook_new valued --layout' -l layout -r -f -a 'hilbert rows' -d 'on a Hilbert curve (default), which keeps neighbours together, or in rows'
complete -c portbook -n '__portbook_at \'map\'' -l port -r -f -a '(__portbook_words ports)' -d 'mark these ports'
complete -c portbook -n '__portbook_at \'map\'' -n '__portbook_new valued --svg' -l svg -r -F -d 'write it as an SVG file'
complete -c portbook -n '__portbook_at \'map\'' -n '__portbook_new valued --png' -l png -r -F -d 'write it as a PNG file (needs Pillow)'
complete -c portbook -n '__portbook_at \'serve\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'serve\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'serve\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'serve\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'serve\'' -n '__portbook_new valued --root' -l root -r -f -a '(__fish_complete_directories (__portbook_value))' -d 'a recorded host instead of /'
complete -c portbook -n '__portbook_at \'serve\'' -n '__portbook_new flag --no-probe' -l no-probe -d 'only read: no bind() is tried, nothing is connected'
complete -c portbook -n '__portbook_at \'serve\'' -n '__portbook_new valued --source' -l source -r -f -a 'netlink procnet psutil' -d 'read sockets from netlink, procnet or psutil (default: the first that answers)'
complete -c portbook -n '__portbook_at \'serve\'' -n '__portbook_new valued --host' -l host -r -f -d 'an address or name (default: loopback)'
complete -c portbook -n '__portbook_at \'serve\'' -n '__portbook_new valued --port' -l port -r -f -d 'default: 3255; 0 takes any that is free'
complete -c portbook -n '__portbook_at \'serve\'' -n '__portbook_new flag --expose' -l expose -d 'allow more than loopback'
complete -c portbook -n '__portbook_at \'serve\'' -l name -r -f -d 'a further name under which it may be asked for'
complete -c portbook -n '__portbook_at \'serve\'' -n '__portbook_new flag --no-live' -l no-live -d 'show nothing of this machine'
complete -c portbook -n '__portbook_at \'serve\'' -n '__portbook_new flag --no-claims' -l no-claims -d 'hand out no claims on ports'
complete -c portbook -n '__portbook_at \'serve\'' -n '__portbook_new flag --durable' -l durable -d 'claims survive a power cut too'
complete -c portbook -n '__portbook_at \'serve\'' -n '__portbook_new valued --socket' -l socket -r -F -d 'the Unix socket of the claims'
complete -c portbook -n '__portbook_at \'serve\'' -n '__portbook_new valued --portserver' -l portserver -r -f -d 'answer clients of portpicker (3255: @portbook)'
complete -c portbook -n '__portbook_at \'serve\'' -n '__portbook_new valued --store' -l store -r -F -d 'the file of the claims'
complete -c portbook -n '__portbook_at \'serve\'' -l watch -r -f -d 'watch who calls these ports, and show the last hour'
complete -c portbook -n '__portbook_at \'serve\'' -n '__portbook_new flag --open' -l open -d 'open a browser'
complete -c portbook -n '__portbook_at \'serve\'' -n '__portbook_new valued --tls-cert' -l tls-cert -r -F -d 'speak HTTPS with this certificate'
complete -c portbook -n '__portbook_at \'serve\'' -n '__portbook_new valued --tls-key' -l tls-key -r -F -d 'its key, if it is in another file'
complete -c portbook -n '__portbook_at \'serve\'' -n '__portbook_new flag --log' -l log -d 'a line on stderr for each request'
complete -c portbook -n '__portbook_at \'open\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'open\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'open\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'open\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'open\'' -n '__portbook_new flag --print' -l print -d 'print the address, open nothing'
complete -c portbook -n '__portbook_at \'open\'' -n '__portbook_new valued --host' -l host -r -f -d 'an address of this machine (loopback)'
complete -c portbook -n '__portbook_at \'open\'' -n '__portbook_new valued --port' -l port -r -f -d 'default: 3255'
complete -c portbook -n '__portbook_at \'open\'' -n '__portbook_new flag --tls' -l tls -d 'it is served with --tls-cert'
complete -c portbook -n '__portbook_at \'open\'' -n '__portbook_place 0' -f -a '(__portbook_words ports)'
complete -c portbook -n '__portbook_at \'export-site\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'export-site\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'export-site\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'export-site\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'export-site\'' -l language -r -f -d 'only this language (default: all)'
complete -c portbook -n '__portbook_at \'export-site\'' -l ports -r -f -d 'only the pages of these: 3000-3999'
complete -c portbook -n '__portbook_at \'export-site\'' -n '__portbook_new valued --jobs' -l jobs -r -f -d 'processes (default: one per CPU)'
complete -c portbook -n '__portbook_at \'export-site\'' -n '__portbook_new flag --no-json' -l no-json -d 'leave the JSON documents out'
complete -c portbook -n '__portbook_at \'export-site\'' -n '__portbook_new valued --base-url' -l base-url -r -f -d 'where it will be published: adds a sitemap and robots.txt'
complete -c portbook -n '__portbook_at \'export-site\'' -n '__portbook_place 0' -f -a '(__fish_complete_directories (__portbook_value))'
complete -c portbook -n '__portbook_at \'feedback\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'feedback\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'feedback\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'feedback\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'feedback\'' -n '__portbook_new valued --page' -l page -r -f -d 'only this page, such as /3255 or 3255/udp'
complete -c portbook -n '__portbook_at \'feedback\'' -n '__portbook_new valued --since' -l since -r -f -d '2h, 2d, 1w ago, or an ISO date (UTC)'
complete -c portbook -n '__portbook_at \'feedback\'' -n '__portbook_new flag --comments' -l comments -d 'show what was written, too'
complete -c portbook -n '__portbook_at \'feedback\'' -n '__portbook_new valued --database' -l database -r -F -d 'instead of the user\'s feedback.sqlite'
complete -c portbook -n '__portbook_at \'feedback\'' -n '__portbook_new valued --limit' -l limit -r -f -d 'the newest N comments (1000); 0: all'
complete -c portbook -n '__portbook_at \'feedback\'' -n '__portbook_new flag --wide' -l wide -d 'cut nothing'
complete -c portbook -n '__portbook_at \'mcp\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'mcp\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'mcp\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'mcp\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'mcp\'' -n '__portbook_new flag --allow-claims' -l allow-claims -d 'tools that claim and release ports too (without it, all only read)'
complete -c portbook -n '__portbook_at \'mcp\'' -n '__portbook_new flag --http' -l http -d 'streamable HTTP at /mcp behind the token, on loopback (default: 127.0.0.1:0)'
complete -c portbook -n '__portbook_at \'metrics\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'metrics\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'metrics\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'metrics\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'metrics\'' -n '__portbook_new valued --root' -l root -r -f -a '(__fish_complete_directories (__portbook_value))' -d 'a recorded host instead of /'
complete -c portbook -n '__portbook_at \'metrics\'' -n '__portbook_new flag --no-probe' -l no-probe -d 'only read: no bind() is tried, nothing is connected'
complete -c portbook -n '__portbook_at \'metrics\'' -n '__portbook_new valued --source' -l source -r -f -a 'netlink procnet psutil' -d 'read sockets from netlink, procnet or psutil (default: the first that answers)'
complete -c portbook -n '__portbook_at \'metrics\'' -n '__portbook_new valued --textfile' -l textfile -r -F -d 'write FILE.prom for node_exporter, in one step'
complete -c portbook -n '__portbook_at \'completion\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'completion\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'completion\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'completion\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'completion\'' -n '__portbook_place 0' -f -a 'bash zsh fish'
complete -c portbook -n '__portbook_at \'sources\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'sources\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'sources\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'sources\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'sources\'' -n '__portbook_new flag --wide' -l wide -d 'cut nothing'
complete -c portbook -n '__portbook_at \'update\'' -n '__portbook_new flag -h --help' -s h -l help -d 'show this help message and exit'
complete -c portbook -n '__portbook_at \'update\'' -n '__portbook_new flag --json' -l json -d 'print one JSON document'
complete -c portbook -n '__portbook_at \'update\'' -n '__portbook_new flag --jsonl' -l jsonl -d 'print one JSON document per line'
complete -c portbook -n '__portbook_at \'update\'' -n '__portbook_new valued --color' -l color -r -f -a 'auto always never' -d 'colours: where a terminal is (auto), always or never'
complete -c portbook -n '__portbook_at \'update\'' -n '__portbook_new valued --from --rollback --status' -l from -r -F -d 'import from a file or from another http or https address'
complete -c portbook -n '__portbook_at \'update\'' -n '__portbook_new flag --rollback --from --status' -l rollback -d 'go back to the import before, or the built-in table'
complete -c portbook -n '__portbook_at \'update\'' -n '__portbook_new flag --status --from --rollback' -l status -d 'say which table is in use and where it came from'
