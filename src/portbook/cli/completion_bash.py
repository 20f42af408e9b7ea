"""The script for bash: tables of the commands, and what reads a command line by them.

It needs nothing of the package bash-completion, and uses it where it is there.
"""

from shlex import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from portbook.cli.completion_plan import Command, Offer


def script(commands: "Sequence[Command]") -> str:
    """The whole script."""
    return _HEAD + _tables(commands) + _BODY


def offered(offer: "Offer") -> str:
    """An offer as words of the shell: its kind and what it has."""
    return " ".join((offer.kind, *offer.words))


def _tables(commands: "Sequence[Command]") -> str:
    options, groups, takes, places = [], [], [], []
    actions = [(each.path, " ".join(word for word, _ in each.actions)) for each in commands]
    for each in commands:
        shown = [_long(option.names) for option in each.options]
        options.append((each.path, " ".join(shown)))
        for option in each.options:
            for name in option.names:
                if option.takes != "never":
                    takes.append((f"{each.path} {name}", f"{option.takes} {offered(option.offer)}"))
                others = (*(other for other in option.names if other != name), *option.excludes)
                gone = "again" if option.again else " ".join(others)
                groups.append((f"{each.path} {name}", gone))
        for at, place in enumerate(each.places):
            key = f"{each.path} {'*' if place.many else at}"
            places.append((key, offered(place.offer)))
    dashes = [(each.path, "program") for each in commands if each.dashes]
    return "".join(
        (
            _case("names", "The options of a command.", options),
            _case("actions", "The words that may come next.", actions),
            _case("takes", "Whether an option takes a value, and which.", takes),
            _case("gone", "What an option ends beside itself; again: not even itself.", groups),
            _case("places", "What stands at a place; * is every further one.", places),
            _case("dashes", "Whether a program stands behind --.", dashes),
        )
    )


def _long(names: "Sequence[str]") -> str:
    return next((name for name in names if name.startswith("--")), names[0])


def _case(name: str, about: str, rows: "Iterable[tuple[str, str]]") -> str:
    """A function that sets `found` to the text of a key; keys of the same text share a line.

    The texts are words of options and commands, without a quote in them.
    """
    by_text: dict[str, list[str]] = {}
    for key, text in rows:
        if text:
            by_text.setdefault(text, []).append(quote(key))
    lines = [f"# {about}", f"_portbook_{name}() {{", "    case $1 in"]
    for text, keys in by_text.items():
        lines.append(f"        {_folded(keys)})")
        lines.append(f"            found='{text}' ;;")
    lines += ["        *)", "            found='' ;;", "    esac", "}", "", ""]
    return "\n".join(lines)


def _folded(keys: "Sequence[str]") -> str:
    text, width = "", 8
    for key in keys:
        if text:
            text, width = text + " |", width + 2
        if width + len(key) > 96:
            text, width = text + " \\\n            " + key, 12 + len(key)
        else:
            text, width = f"{text} {key}" if text else key, width + len(key) + 1
    return text


_HEAD = """# Completion of portbook for bash: source <(portbook completion bash)
#
# Written by portbook from the options of its commands. Ports, claims and names are asked for
# with `portbook completion --words`, which only reads.
# shellcheck shell=bash

"""

_BODY = r"""# The words before the cursor in `words`, without the quotes; `raw` has where each
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
"""
