"""The script for zsh: for each command the arguments that zsh's own `_arguments` completes by."""

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from portbook.cli.completion_plan import Command, Offer, Option, Place


def script(commands: "Sequence[Command]") -> str:
    """The whole script."""
    lines = ["# The words that may come after a command.", "_portbook_actions() {"]
    lines += ["    case $1 in"]
    for each in commands:
        if each.actions:
            words = " ".join(quoted(f"{word}:{about}") for word, about in each.actions)
            lines += [f"        {quoted(each.path)})", f"            followers=({words}) ;;"]
    lines += ["        *)", "            followers=() ;;", "    esac", "}", ""]
    lines += ["# The options of a command that take a value, and where a program begins."]
    lines += ["_portbook_shapes() {", "    valued=() perhaps=() program=''", "    case $1 in"]
    for each in commands:
        lines += [f"        {quoted(each.path)})", f"            {_shape(each)} ;;"]
    lines += ["    esac", "}", "", "_portbook_complete() {", "    case $1 in"]
    for each in commands:
        lines += [f"        {quoted(each.path)})", "            _arguments -s -S \\"]
        specs = [_option(option) for option in each.options]
        specs += _places(each)
        lines += [" \\\n".join(f"                {spec}" for spec in specs) + " ;;"]
    lines += ["    esac", "}", "", ""]
    return _HEAD + "\n".join(lines) + _BODY


def _shape(command: "Command") -> str:
    found = []
    for name, takes in (("valued", "always"), ("perhaps", "maybe")):
        options = [option for option in command.options if option.takes == takes]
        if options:
            found.append(f"{name}=({' '.join(name for one in options for name in one.names)})")
    if any(place.offer.kind == "program" for place in command.places):
        found.append("program=here")
    elif command.dashes:
        found.append("program=dashes")
    return " ".join(found)


def quoted(text: str) -> str:
    """`text` in single quotes."""
    return "'" + text.replace("'", "'\\''") + "'"


def _plain(text: str) -> str:
    """`text` with what _arguments would read as its own syntax escaped."""
    return re.sub(r"([\\:\[\]])", r"\\\1", text)


def _action(offer: "Offer") -> str:
    if offer.kind == "choices":
        return f"({' '.join(offer.words)})"
    if offer.kind == "words":
        return f" _portbook_words {offer.words[0]}"
    return {"file": "_files", "folder": "_files -/"}.get(offer.kind, " ")


def _option(option: "Option") -> str:
    """`(-h --help)'{-h,--help}'[about]:VALUE:action`, as one word of the shell."""
    gone = " ".join((*(() if option.again else option.names), *option.excludes))
    head = "*" if option.again else f"({gone})"
    tail = f"[{_plain(option.about)}]" if option.about else ""
    if option.takes != "never":
        colons = "::" if option.takes == "maybe" else ":"
        tail = f"={tail}{colons}{_plain(option.metavar)}:{_action(option.offer)}"
    if len(option.names) == 1:
        return quoted(head + option.names[0] + tail)
    return quoted(head) + "{" + ",".join(option.names) + "}" + quoted(tail)


def _places(command: "Command") -> list[str]:
    if command.actions:
        # The first place has commands and actions too.
        rest = [_place(place, "*") for place in command.places]
        return [quoted("1:command: _portbook_first"), *rest]
    found = []
    for at, place in enumerate(command.places, 1):
        if place.offer.kind == "program":
            found.append(quoted("(-)1:program:_command_names -e"))
        else:
            found.append(_place(place, "*" if place.many else str(at)))
    return found


def _place(place: "Place", number: str) -> str:
    return quoted(f"{number}:{_plain(place.metavar)}:{_action(place.offer)}")


_HEAD = """#compdef portbook
# Completion of portbook for zsh: source <(portbook completion zsh), after compinit.
#
# Written by portbook from the options of its commands. Ports, claims and names are asked for
# with `portbook completion --words`, which only reads.

"""

_BODY = r"""# What only this machine knows, with what it is beside it.
_portbook_words() {
    local row found
    local -a listed
    found=$(command portbook completion --words $1 "${(Q)PREFIX}" 2>/dev/null </dev/null)
    for row in ${(f)found}; do
        listed+=("${${${row%%$'\t'*}//\\/\\\\}//:/\\:}${${row#*$'\t'}:+:${row#*$'\t'}}")
    done
    _describe -t $1 "${${1%s}/listening/port that listens}" listed
}

# The first word: a command or action, and where none begins like this a port.
_portbook_first() {
    local ret=1
    (( $#followers )) && _describe -t commands command followers && ret=0
    if [[ -z $chosen && ( $ret == 1 || -z $PREFIX ) ]]; then
        _portbook_words ports && ret=0
    fi
    return ret
}

_portbook() {
    local curcontext=$curcontext chosen='' program at word
    local -a followers valued perhaps
    typeset -A opt_args
    # The command may stand behind options: it is taken out, so that the rest are its arguments.
    _portbook_actions ''
    _portbook_shapes ''
    for (( at = 2; at < CURRENT; at++ )); do
        word=$words[at]
        if [[ $word == -- ]]; then
            [[ -n $program ]] && _portbook_program $(( at + 1 )) && return
            break
        elif (( $valued[(Ie)$word] )); then
            (( at++ ))
        elif (( $perhaps[(Ie)$word] )) && [[ ${words[at+1]} != -* ]]; then
            (( at++ ))
        elif [[ $word != -* ]]; then
            if (( $#followers && $followers[(I)${(b)word}:*] )); then
                chosen=${chosen:+$chosen }$word
                words[at]=()
                (( CURRENT--, at-- ))
                _portbook_actions $chosen
                _portbook_shapes $chosen
            elif [[ $program == here ]]; then
                _portbook_program $at
                return
            elif [[ $program != dashes ]]; then
                break
            else
                followers=()
            fi
        fi
    done
    curcontext="${curcontext%:*}-${chosen// /-}:"
    _portbook_complete "$chosen"
}

# Another program's command line begins at a word.
_portbook_program() {
    words=("${(@)words[$1,-1]}")
    (( CURRENT -= $1 - 1 ))
    if (( CURRENT == 1 )); then
        _command_names -e
    else
        _normal
    fi
    return 0
}

if [[ $funcstack[1] == _portbook ]]; then
    _portbook "$@"
elif (( $+functions[compdef] )); then
    compdef _portbook portbook
else
    print -u2 'portbook: run compinit before this'
fi
"""
