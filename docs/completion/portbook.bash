# Completion of portbook for bash: source <(portbook completion bash)
#
# Written by portbook from the options of its commands. Ports, claims and names are asked for
# with `portbook completion --words`, which only reads.
# shellcheck shell=bash

# The options of a command.
_portbook_names() {
    case $1 in
        '')
            found='--help --json --jsonl --color --root --no-probe --source --version --wide --why' ;;
        ls)
            found='--help --json --jsonl --color --root --no-probe --source --tcp --udp --port --user --unit --process --all-netns --identify --wide --sort --watch --format --template' ;;
        identify)
            found='--help --json --jsonl --color --root --no-probe --source --tcp --udp --wait --include-printers --wire-only' ;;
        why | explain-error | fleet)
            found='--help --json --jsonl --color --root --no-probe --source' ;;
        free)
            found='--help --json --jsonl --color --root --no-probe --source --count --contiguous --near --range --tcp --udp --explain' ;;
        reserve)
            found='--help --json --jsonl --color --port --near --count --project --list --kernel --apply --systemd-unit --force' ;;
        unreserve)
            found='--help --json --jsonl --color --project' ;;
        env)
            found='--help --json --jsonl --color --name --dotenv --export --project' ;;
        run)
            found='--help --json --jsonl --color --name --port --near --range --env --host --wait --udp --fd --release-at-exec --ready --ready-http --quiet' ;;
        claim)
            found='--help --json --jsonl --color --port --near --range --name --project --count --contiguous --tcp --udp --ttl --pid --hold --wait --label --export' ;;
        renew)
            found='--help --json --jsonl --color --token --ttl' ;;
        release)
            found='--help --json --jsonl --color --token' ;;
        claims)
            found='--help --json --jsonl --color --port --all --watch' ;;
        sem | completion)
            found='--help --json --jsonl --color' ;;
        'sem run')
            found='--help --json --jsonl --limit --n --wait' ;;
        'sem acquire')
            found='--help --json --jsonl --limit --n --wait --ttl --pid' ;;
        'sem renew')
            found='--help --json --jsonl --token --ttl' ;;
        'sem release')
            found='--help --json --jsonl --token' ;;
        'sem list')
            found='--help --json --jsonl' ;;
        watch)
            found='--help --json --jsonl --color --pcap --host --interface --for --top --verbose --calibrate --rates' ;;
        lint)
            found='--help --json --jsonl --color --here --select --ignore --exclude --fail-on --baseline --write-baseline --sarif --github --list --rules --explain --fix --diff --yes --stdin-filename --no-cache' ;;
        audit)
            found='--help --json --jsonl --color --root --no-probe --source --sarif --baseline --write-baseline --fail-on --hidden' ;;
        stop)
            found='--help --json --jsonl --color --root --no-probe --source --address --all --tree --force --yes --dry-run --wait' ;;
        decoy)
            found='--help --json --jsonl --color --root --no-probe --source --address --for --most-visits --most-connections --keep' ;;
        record)
            found='--help --json --jsonl --color --root --no-probe --source --every --for --once --database --limit-size' ;;
        history)
            found='--help --json --jsonl --color --root --no-probe --source --since --until --database --limit --wide' ;;
        search)
            found='--help --json --jsonl --color --limit --wide' ;;
        orphans)
            found='--help --json --jsonl --color --range --assignee --year --all --stats --wide' ;;
        map)
            found='--help --json --jsonl --color --root --no-probe --source --by --layout --port --svg --png' ;;
        serve)
            found='--help --json --jsonl --color --root --no-probe --source --host --port --expose --name --no-live --no-claims --durable --socket --portserver --store --watch --fleet-store --open --tls-cert --tls-key --log' ;;
        open)
            found='--help --json --jsonl --color --print --host --port --tls' ;;
        export-site)
            found='--help --json --jsonl --color --language --ports --jobs --no-json --base-url' ;;
        feedback)
            found='--help --json --jsonl --color --page --since --comments --database --limit --wide' ;;
        'fleet who')
            found='--help --json --jsonl --store --bus --label --live --stored --within' ;;
        'fleet ls')
            found='--help --json --jsonl --store --bus --where --limit --label --live --stored --within' ;;
        'fleet history')
            found='--help --json --jsonl --store --bus --host --since --where --limit --label' ;;
        'fleet drift')
            found='--help --json --jsonl --store --bus --since --where --label' ;;
        'fleet free')
            found='--help --json --jsonl --store --bus --count --range --tcp --udp --label --live --stored --within' ;;
        'fleet hosts')
            found='--help --json --jsonl --store --bus --label' ;;
        'fleet audit')
            found='--help --json --jsonl --store --bus --where --fail-on --label --live --stored --within' ;;
        'fleet agent')
            found='--help --json --jsonl --store --bus --host-id --every --label --all-netns --jitter --once --status' ;;
        'fleet hub')
            found='--help --json --jsonl --store --bus --keep --tell' ;;
        'fleet init' | 'fleet remove')
            found='--help --json --jsonl --store --bus --dry-run' ;;
        'fleet enrol')
            found='--help --json --jsonl --store --bus --label --valid --nkey --ca' ;;
        'fleet join')
            found='--help --json --jsonl --store --bus --config --certificate --key' ;;
        'fleet nats-config')
            found='--help --json --jsonl --store --bus --out --hub --asker --listen --tls-certificate --tls-key --tls-ca --new-nkey' ;;
        'fleet retain')
            found='--help --json --jsonl --store --bus --keep --dry-run' ;;
        mcp)
            found='--help --json --jsonl --color --allow-claims --http' ;;
        metrics)
            found='--help --json --jsonl --color --root --no-probe --source --textfile' ;;
        sources)
            found='--help --json --jsonl --color --wide' ;;
        update)
            found='--help --json --jsonl --color --from --rollback --status' ;;
        *)
            found='' ;;
    esac
}

# The words that may come next.
_portbook_actions() {
    case $1 in
        '')
            found='ls identify why explain-error free reserve unreserve env run claim renew release claims sem watch lint audit stop decoy record history search orphans map serve open export-site feedback fleet mcp metrics completion sources update' ;;
        sem)
            found='run acquire renew release list' ;;
        fleet)
            found='who ls history drift free hosts audit agent hub init enrol join remove nats-config retain' ;;
        *)
            found='' ;;
    esac
}

# Whether an option takes a value, and which.
_portbook_takes() {
    case $1 in
        ' --color' | 'ls --color' | 'identify --color' | 'why --color' | 'explain-error --color' | \
            'free --color' | 'reserve --color' | 'unreserve --color' | 'env --color' | \
            'run --color' | 'claim --color' | 'renew --color' | 'release --color' | \
            'claims --color' | 'sem --color' | 'watch --color' | 'lint --color' | 'audit --color' | \
            'stop --color' | 'decoy --color' | 'record --color' | 'history --color' | \
            'search --color' | 'orphans --color' | 'map --color' | 'serve --color' | \
            'open --color' | 'export-site --color' | 'feedback --color' | 'fleet --color' | \
            'mcp --color' | 'metrics --color' | 'completion --color' | 'sources --color' | \
            'update --color')
            found='always choices auto always never' ;;
        ' --root' | 'ls --root' | 'identify --root' | 'why --root' | 'explain-error --root' | \
            'free --root' | 'reserve --project' | 'unreserve --project' | 'env --project' | \
            'claim --project' | 'audit --root' | 'stop --root' | 'decoy --root' | 'decoy --keep' | \
            'record --root' | 'history --root' | 'map --root' | 'serve --root' | 'fleet --root' | \
            'metrics --root')
            found='always folder' ;;
        ' --source' | 'ls --source' | 'identify --source' | 'why --source' | \
            'explain-error --source' | 'free --source' | 'audit --source' | 'stop --source' | \
            'decoy --source' | 'record --source' | 'history --source' | 'map --source' | \
            'serve --source' | 'fleet --source' | 'metrics --source')
            found='always choices netlink procnet psutil' ;;
        'ls --port')
            found='always words listening' ;;
        'ls --user')
            found='always words users' ;;
        'ls --unit')
            found='always words units' ;;
        'ls --process')
            found='always words processes' ;;
        'ls --sort')
            found='always choices port address process user verdict reach' ;;
        'ls --watch' | 'ls --template' | 'identify --wait' | 'free --count' | 'free --near' | \
            'free --range' | 'reserve --port' | 'reserve --near' | 'reserve --count' | \
            'run --port' | 'run --near' | 'run --range' | 'run --env' | 'run --host' | \
            'run --wait' | 'run --ready-http' | 'claim --port' | 'claim --near' | 'claim --range' | \
            'claim --count' | 'claim --ttl' | 'claim --pid' | 'claim --wait' | 'claim --label' | \
            'renew --token' | 'renew --ttl' | 'release --token' | 'claims --watch' | \
            'sem run --limit' | 'sem run --n' | 'sem run --wait' | 'sem acquire --limit' | \
            'sem acquire --n' | 'sem acquire --wait' | 'sem acquire --ttl' | 'sem acquire --pid' | \
            'sem renew --token' | 'sem renew --ttl' | 'sem release --token' | 'watch --host' | \
            'watch --for' | 'watch --top' | 'watch --rates' | 'lint --exclude' | 'stop --address' | \
            'stop --wait' | 'decoy --address' | 'decoy --for' | 'decoy --most-visits' | \
            'decoy --most-connections' | 'record --every' | 'record --for' | \
            'record --limit-size' | 'history --since' | 'history --until' | 'history --limit' | \
            'search --limit' | 'orphans --assignee' | 'orphans --year' | 'serve --host' | \
            'serve --port' | 'serve --name' | 'serve --portserver' | 'serve --watch' | \
            'serve --fleet-store' | 'open --host' | 'open --port' | 'export-site --language' | \
            'export-site --ports' | 'export-site --jobs' | 'export-site --base-url' | \
            'feedback --page' | 'feedback --since' | 'feedback --limit' | 'fleet who --store' | \
            'fleet who --bus' | 'fleet who --label' | 'fleet who --within' | 'fleet ls --store' | \
            'fleet ls --bus' | 'fleet ls --where' | 'fleet ls --limit' | 'fleet ls --label' | \
            'fleet ls --within' | 'fleet history --store' | 'fleet history --bus' | \
            'fleet history --host' | 'fleet history --since' | 'fleet history --where' | \
            'fleet history --limit' | 'fleet history --label' | 'fleet drift --store' | \
            'fleet drift --bus' | 'fleet drift --since' | 'fleet drift --where' | \
            'fleet drift --label' | 'fleet free --store' | 'fleet free --bus' | \
            'fleet free --count' | 'fleet free --range' | 'fleet free --label' | \
            'fleet free --within' | 'fleet hosts --store' | 'fleet hosts --bus' | \
            'fleet hosts --label' | 'fleet audit --store' | 'fleet audit --bus' | \
            'fleet audit --where' | 'fleet audit --label' | 'fleet audit --within' | \
            'fleet agent --store' | 'fleet agent --bus' | 'fleet agent --host-id' | \
            'fleet agent --every' | 'fleet agent --label' | 'fleet agent --jitter' | \
            'fleet hub --store' | 'fleet hub --bus' | 'fleet hub --keep' | 'fleet hub --tell' | \
            'fleet init --store' | 'fleet init --bus' | 'fleet enrol --store' | \
            'fleet enrol --bus' | 'fleet enrol --label' | 'fleet enrol --valid' | \
            'fleet enrol --nkey' | 'fleet join --store' | 'fleet join --bus' | \
            'fleet remove --store' | 'fleet remove --bus' | 'fleet nats-config --store' | \
            'fleet nats-config --bus' | 'fleet nats-config --hub' | 'fleet nats-config --asker' | \
            'fleet nats-config --listen' | 'fleet retain --store' | 'fleet retain --bus' | \
            'fleet retain --keep')
            found='always nothing' ;;
        'ls --format')
            found='always choices table csv tsv json jsonl prom markdown' ;;
        'reserve --systemd-unit' | 'env --dotenv' | 'watch --pcap' | 'lint --baseline' | \
            'lint --write-baseline' | 'lint --stdin-filename' | 'audit --baseline' | \
            'audit --write-baseline' | 'record --database' | 'history --database' | 'map --svg' | \
            'map --png' | 'serve --socket' | 'serve --store' | 'serve --tls-cert' | \
            'serve --tls-key' | 'feedback --database' | 'fleet enrol --ca' | \
            'fleet join --config' | 'fleet join --certificate' | 'fleet join --key' | \
            'fleet nats-config --out' | 'fleet nats-config --tls-certificate' | \
            'fleet nats-config --tls-key' | 'fleet nats-config --tls-ca' | \
            'fleet nats-config --new-nkey' | 'metrics --textfile' | 'update --from')
            found='always file' ;;
        'env --name' | 'run --name' | 'claim --name')
            found='always words reservations' ;;
        'run --ready' | 'mcp --http')
            found='maybe nothing' ;;
        'claims --port' | 'map --port')
            found='always words ports' ;;
        'watch --interface')
            found='always words interfaces' ;;
        'lint --select' | 'lint --ignore' | 'lint --explain')
            found='always words rules' ;;
        'lint --fail-on')
            found='always choices error warning note' ;;
        'audit --fail-on' | 'fleet audit --fail-on')
            found='always choices high medium low info' ;;
        'orphans --range')
            found='always choices system user dynamic' ;;
        'map --by')
            found='always choices life year range here' ;;
        'map --layout')
            found='always choices hilbert rows' ;;
        *)
            found='' ;;
    esac
}

# What an option ends beside itself; again: not even itself.
_portbook_gone() {
    case $1 in
        ' -h' | 'ls -h' | 'identify -h' | 'why -h' | 'explain-error -h' | 'free -h' | \
            'reserve -h' | 'unreserve -h' | 'env -h' | 'run -h' | 'claim -h' | 'renew -h' | \
            'release -h' | 'claims -h' | 'sem -h' | 'sem run -h' | 'sem acquire -h' | \
            'sem renew -h' | 'sem release -h' | 'sem list -h' | 'watch -h' | 'lint -h' | \
            'audit -h' | 'stop -h' | 'decoy -h' | 'record -h' | 'history -h' | 'search -h' | \
            'orphans -h' | 'map -h' | 'serve -h' | 'open -h' | 'export-site -h' | 'feedback -h' | \
            'fleet -h' | 'fleet who -h' | 'fleet ls -h' | 'fleet history -h' | 'fleet drift -h' | \
            'fleet free -h' | 'fleet hosts -h' | 'fleet audit -h' | 'fleet agent -h' | \
            'fleet hub -h' | 'fleet init -h' | 'fleet enrol -h' | 'fleet join -h' | \
            'fleet remove -h' | 'fleet nats-config -h' | 'fleet retain -h' | 'mcp -h' | \
            'metrics -h' | 'completion -h' | 'sources -h' | 'update -h')
            found='--help' ;;
        ' --help' | 'ls --help' | 'identify --help' | 'why --help' | 'explain-error --help' | \
            'free --help' | 'reserve --help' | 'unreserve --help' | 'env --help' | 'run --help' | \
            'claim --help' | 'renew --help' | 'release --help' | 'claims --help' | 'sem --help' | \
            'sem run --help' | 'sem acquire --help' | 'sem renew --help' | 'sem release --help' | \
            'sem list --help' | 'watch --help' | 'lint --help' | 'audit --help' | 'stop --help' | \
            'decoy --help' | 'record --help' | 'history --help' | 'search --help' | \
            'orphans --help' | 'map --help' | 'serve --help' | 'open --help' | \
            'export-site --help' | 'feedback --help' | 'fleet --help' | 'fleet who --help' | \
            'fleet ls --help' | 'fleet history --help' | 'fleet drift --help' | \
            'fleet free --help' | 'fleet hosts --help' | 'fleet audit --help' | \
            'fleet agent --help' | 'fleet hub --help' | 'fleet init --help' | \
            'fleet enrol --help' | 'fleet join --help' | 'fleet remove --help' | \
            'fleet nats-config --help' | 'fleet retain --help' | 'mcp --help' | 'metrics --help' | \
            'completion --help' | 'sources --help' | 'update --help')
            found='-h' ;;
        'ls --port' | 'env --name' | 'run --env' | 'claim --label' | 'claims --port' | \
            'watch --host' | 'lint --exclude' | 'map --port' | 'serve --name' | 'serve --watch' | \
            'export-site --language' | 'export-site --ports' | 'fleet who --label' | \
            'fleet ls --label' | 'fleet history --label' | 'fleet drift --label' | \
            'fleet free --label' | 'fleet hosts --label' | 'fleet audit --label' | \
            'fleet agent --label' | 'fleet enrol --label' | 'fleet nats-config --hub' | \
            'fleet nats-config --asker')
            found='again' ;;
        'free --tcp' | 'fleet free --tcp')
            found='--udp' ;;
        'free --udp' | 'fleet free --udp')
            found='--tcp' ;;
        'reserve --port')
            found='--near' ;;
        'reserve --near')
            found='--port' ;;
        'run --port' | 'claim --port')
            found='--near --range' ;;
        'run --near' | 'claim --near')
            found='--port --range' ;;
        'run --range' | 'claim --range')
            found='--port --near' ;;
        'run --fd')
            found='--release-at-exec' ;;
        'run --release-at-exec')
            found='--fd' ;;
        'fleet who --live' | 'fleet ls --live' | 'fleet free --live' | 'fleet audit --live')
            found='--stored' ;;
        'fleet who --stored' | 'fleet ls --stored' | 'fleet free --stored' | \
            'fleet audit --stored')
            found='--live' ;;
        'update --from')
            found='--rollback --status' ;;
        'update --rollback')
            found='--from --status' ;;
        'update --status')
            found='--from --rollback' ;;
        *)
            found='' ;;
    esac
}

# What stands at a place; * is every further one.
_portbook_places() {
    case $1 in
        ' *' | 'why 0' | 'decoy *' | 'history 0' | 'open 0' | 'fleet who 0' | 'fleet history 0')
            found='words ports' ;;
        'identify *' | 'watch *' | 'stop 0')
            found='words listening' ;;
        'explain-error 0' | 'lint *')
            found='file' ;;
        'free 0' | 'search *' | 'fleet enrol 0' | 'fleet join 0' | 'fleet remove 0')
            found='nothing' ;;
        'reserve 0' | 'unreserve 0')
            found='words reservations' ;;
        'run *')
            found='program' ;;
        'renew 0' | 'release *')
            found='words claims' ;;
        'sem run 0' | 'sem acquire 0' | 'sem renew 0' | 'sem release 0' | 'sem list 0')
            found='words semaphores' ;;
        'sem renew 1' | 'sem release 1')
            found='words permits' ;;
        'export-site 0')
            found='folder' ;;
        'completion 0')
            found='choices bash zsh fish' ;;
        *)
            found='' ;;
    esac
}

# Whether a program stands behind --.
_portbook_dashes() {
    case $1 in
        sem | 'sem run' | 'sem acquire' | 'sem renew' | 'sem release' | 'sem list')
            found='program' ;;
        *)
            found='' ;;
    esac
}

# The words before the cursor in `words`, without the quotes; `raw` has where each
# begins in COMP_WORDS, for readline takes words apart at = and : and @.
_portbook_split() {
    local line=${COMP_LINE:0:COMP_POINT} rest word i last=-1
    words=() raw=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        rest=${line#"${line%%[![:space:]]*}"}
        if ((i == COMP_CWORD)); then
            word=$rest
        fi
        if ((last >= 0)) && [[ $rest == "$line" && -n $line ]] &&
            [[ $word == [=:@]* || ${words[last]} == *[=:@] ]]; then
            words[last]+=$word
        else
            last=$((last + 1))
            words[last]=$word
            raw[last]=$i
        fi
        line=${rest#"$word"}
    done
    current=${words[last]}
    for ((i = 0; i < last; i++)); do
        words[i]=${words[i]//[\'\"\\]/}
    done
    unset "words[last]"
}

# What only this machine knows; a word that the shell would take apart is quoted.
_portbook_words() {
    local word
    while IFS=$'\t' read -r word _; do
        if [[ -z $quoted ]]; then
            printf -v word %q "$word"
        fi
        COMPREPLY+=("$word")
    done < <(command portbook completion --words "$1" "$value" 2>/dev/null </dev/null)
}

_portbook_files() {
    local word
    compopt -o filenames 2>/dev/null
    while IFS= read -r word; do
        COMPREPLY+=("$word")
    done < <(compgen "$1" -- "$value")
}

# Completes by an offer: its kind, then its words.
_portbook_offer() {
    local each
    case $1 in
        choices*)
            for each in ${1#choices}; do
                if [[ $each == "$value"* ]]; then
                    COMPREPLY+=("$each")
                fi
            done
            ;;
        words*) _portbook_words "${1#words }" ;;
        file) _portbook_files -f ;;
        folder) _portbook_files -d ;;
    esac
}

# Another program's command line begins at a word: its own completion goes on.
_portbook_program() {
    local at=$1 helper
    for helper in _comp_command_offset _command_offset; do
        if declare -F "$helper" >/dev/null; then
            "$helper" "$at"
            return
        fi
    done
    local rest=$COMP_LINE i spec func
    for ((i = 0; i < at; i++)); do
        rest=${rest#*"${COMP_WORDS[i]}"}
    done
    rest=${rest#"${rest%%[![:space:]]*}"}
    local COMP_POINT=$((COMP_POINT - ${#COMP_LINE} + ${#rest}))
    local COMP_LINE=$rest COMP_CWORD=$((COMP_CWORD - at))
    local COMP_WORDS=("${COMP_WORDS[@]:at}")
    if ((COMP_CWORD == 0)); then
        if [[ $value == */* ]]; then
            _portbook_files -f
        else
            _portbook_files -c
        fi
        return
    fi
    spec=$(complete -p -- "${COMP_WORDS[0]##*/}" 2>/dev/null)
    if [[ $spec == *' -F '* ]]; then
        func=${spec#* -F }
        func=${func%% *}
        if [[ $spec == *' -o filenames '* ]]; then
            compopt -o filenames 2>/dev/null
        fi
        if [[ $spec == *' -o nospace '* ]]; then
            compopt -o nospace 2>/dev/null
        fi
        "$func" "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    else
        _portbook_files -f
    fi
}

# Reads what stands before the cursor: the command, what was given, what is expected next.
_portbook_read() {
    local i word
    for ((i = 1; i < ${#words[@]}; i++)); do
        word=${words[i]}
        if [[ $expects == always* || ($expects == maybe* && $word != -*) ]]; then
            expects=''
            continue
        fi
        expects=''
        if [[ -n $ended ]]; then
            place=$((place + 1))
        elif [[ $word == -- ]]; then
            ended=1
            _portbook_dashes "$path"
            [[ -n $found ]] || _portbook_places "$path *"
            if [[ $found == program ]]; then
                program=$((i + 1))
                return
            fi
        elif [[ $word == -*=* ]]; then
            given+=("${word%%=*}")
        elif [[ $word == -?* ]]; then
            given+=("$word")
            _portbook_takes "$path $word"
            expects=$found
        else
            _portbook_actions "$path"
            if [[ $place == 0 && " $found " == *" $word "* ]]; then
                path=${path:+$path }$word
                continue
            fi
            _portbook_places "$path *"
            if [[ $found == program ]]; then
                program=$i
                return
            fi
            place=$((place + 1))
        fi
    done
    _portbook_places "$path *"
    if [[ -z $expects && $current != -* && $found == program ]]; then
        program=${#words[@]}
    fi
}

_portbook_options() {
    local each gone=' '
    for each in "${given[@]}"; do
        _portbook_gone "$path $each"
        if [[ $found != again ]]; then
            gone+="$each $found "
        fi
    done
    _portbook_names "$path"
    for each in $found; do
        if [[ $each == "$value"* && $gone != *" $each "* ]]; then
            COMPREPLY+=("$each")
        fi
    done
}

_portbook_here() {
    local each
    if [[ $place == 0 ]]; then
        _portbook_actions "$path"
        for each in $found; do
            if [[ $each == "$value"* ]]; then
                COMPREPLY+=("$each")
            fi
        done
    fi
    # Where a command begins like this, 300 names of services that do would hide it.
    if [[ ${#COMPREPLY[@]} == 0 || -z $value ]]; then
        _portbook_places "$path $place"
        [[ -n $found ]] || _portbook_places "$path *"
        _portbook_offer "$found"
    fi
}

_portbook() {
    local IFS=$' \t\n' words raw current found path='' place=0 program=-1 expects='' ended=''
    local given=() value lead='' quoted='' breaks kept i
    COMPREPLY=()
    _portbook_split
    _portbook_read
    value=$current
    if ((program < 0)) && [[ -z $ended && $current == -*=* ]]; then
        lead=${current%%=*}=
        value=${current#*=}
        _portbook_takes "$path ${lead%=}"
        expects=${found:-never}
    fi
    if [[ $value == [\'\"]* ]]; then
        quoted=1
        value=${value#?}
    else
        value=${value//\\/}
    fi
    if ((program >= 0)); then
        _portbook_program "${raw[program]}"
        return
    elif [[ -n $lead || $expects == always* || ($expects == maybe* && $current != -*) ]]; then
        _portbook_offer "${expects#* }"
    elif [[ -z $ended && $current == -* ]]; then
        _portbook_options
    else
        _portbook_here
    fi
    # Readline replaces what stands behind the last of its word breaks, and no more.
    breaks=${COMP_WORDBREAKS//[^=:@]/}
    if [[ -z $quoted ]]; then
        kept=''
        if [[ -n $breaks ]]; then
            kept=${current%"${current##*["$breaks"]}"}
        fi
        for ((i = 0; i < ${#COMPREPLY[@]}; i++)); do
            current=$lead${COMPREPLY[i]}
            COMPREPLY[i]=${current#"$kept"}
        done
    fi
}

complete -F _portbook portbook
