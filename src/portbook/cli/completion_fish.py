"""The script for fish: a `complete` line for each option and place, with when it is offered."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from portbook.cli.completion_plan import Command, Offer, Option


def script(commands: "Sequence[Command]") -> str:
    """The whole script."""
    lines: list[str] = []
    for each in commands:
        at = f"-n {quoted('__portbook_at ' + quoted(each.path))}"
        for word, about in each.actions:
            first = "-n '__portbook_place 0'"
            lines.append(
                f"complete -c portbook {at} {first} -f -a {quoted(word)} -d {quoted(about)}"
            )
        lines += [f"complete -c portbook {at} {_option(option)}" for option in each.options]
        for number, place in enumerate(each.places):
            which = f"{number} {'more' if place.many else ''}".strip()
            condition = "__portbook_place " + which
            if each.actions:
                condition = "__portbook_no_action; and " + condition
            if place.offer.kind not in ("nothing", "program"):
                shown = _offered(place.offer, needs=False)
                lines.append(f"complete -c portbook {at} -n {quoted(condition)} {shown}")
    return _HEAD + "\n".join((*_tables(commands), *lines)) + "\n"


def quoted(text: str) -> str:
    """`text` in single quotes of fish."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _option(option: "Option") -> str:
    parts = []
    if not option.again or option.excludes:
        gone = (*(() if option.again else option.names), *option.excludes)
        valued = " valued" if option.takes == "always" else " flag"
        parts.append(f"-n {quoted('__portbook_new' + valued + ' ' + ' '.join(gone))}")
    parts += [
        f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names
    ]
    if option.takes == "always":
        parts.append(_offered(option.offer, needs=True))
    if option.about:
        parts.append(f"-d {quoted(option.about)}")
    return " ".join(parts)


def _offered(offer: "Offer", *, needs: bool) -> str:
    needed = "-r " if needs else ""
    if offer.kind == "file":
        return f"{needed}-F"
    listed = {
        "choices": " ".join(offer.words),
        "words": f"(__portbook_words {''.join(offer.words)})",
        "folder": "(__fish_complete_directories (__portbook_value))",
    }.get(offer.kind)
    return f"{needed}-f" + (f" -a {quoted(listed)}" if listed else "")


def _tables(commands: "Sequence[Command]") -> "Iterator[str]":
    """Functions with what the parsers say of words: options with values, actions, programs."""
    rows: list[tuple[str, str, str]] = [
        ("actions", each.path, " ".join(word for word, _ in each.actions)) for each in commands
    ]
    for each in commands:
        for takes, name in (("always", "valued"), ("maybe", "perhaps")):
            names = [n for one in each.options if one.takes == takes for n in one.names]
            rows.append((name, each.path, " ".join(names)))
        here = any(place.offer.kind == "program" for place in each.places)
        rows.append(("program_at", each.path, "here" if here else "dashes" if each.dashes else ""))
    for name, about in _ABOUT.items():
        yield f"# {about}"
        yield f"function __portbook_{name}"
        yield "    switch $argv[1]"
        by_text: dict[str, list[str]] = {}
        for table, path, text in rows:
            if table == name and text:
                by_text.setdefault(text, []).append(quoted(path))
        for text, paths in by_text.items():
            yield f"        case {' '.join(paths)}"
            yield f"            string split ' ' -- {quoted(text)}"
        yield from ("    end", "end", "")


_ABOUT = {
    "actions": "The words that may come next.",
    "valued": "The options that take a value.",
    "perhaps": "The options that may take one.",
    "program_at": "Where another program's command line begins: here, or behind --.",
}

_HEAD = r"""# Completion of portbook for fish: portbook completion fish | source
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

"""
