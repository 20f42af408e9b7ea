"""Assignments in the two forms in which IANA publishes them, for tests of the importers."""

import csv
import io
import re
from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

from portbook.model import Assignment
from portbook.registry.iana_csv import COLUMNS


def as_csv(assignments: Iterable[Assignment]) -> bytes:
    """IANA's CSV: CRLF between rows, ids in brackets, quotes where they are needed."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in assignments:
        writer.writerow(
            (
                row.service or "",
                _ports(row),
                row.transport or "",
                (row.description or "").replace(" IANA assigned this", "\nIANA assigned this"),
                "".join(f"[{each}]" for each in _ids(row.assignee)),
                "".join(f"[{each}]" for each in _ids(row.contact)),
                row.registered or "",
                row.modified or "",
                "".join(f"[{each}]" for each in _ids(row.reference)),
                "",
                row.unauthorized_use or "",
                row.notes or "",
            )
        )
    return text.getvalue().encode()


def as_xml(assignments: Iterable[Assignment]) -> bytes:
    """IANA's XML, with the preamble, the people at the end and the assignee only where needed."""
    return (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        '<?xml-stylesheet type="text/xsl" href="service-names-port-numbers.xsl"?>\n'
        '<registry xmlns="http://www.iana.org/assignments" id="service-names-port-numbers">\n'
        "  <title>Service Name and Transport Protocol Port Number Registry</title>\n"
        '  <note>As <xref type="rfc" data="rfc6335"/> says.</note>\n'
        + "".join(map(_record, assignments))
        + '  <people><person id="Somebody"><name>Some Body</name></person></people>\n'
        "</registry>\n"
    ).encode()


def _record(row: Assignment) -> str:
    dates = (("date", row.registered), ("updated", row.modified))
    lines = [f"<record{''.join(f' {name}={quoteattr(day)}' for name, day in dates if day)}>"]
    lines += [
        f"<{tag}>{escape(text)}</{tag}>"
        for tag, text in (("name", row.service), ("protocol", row.transport))
        if text
    ]
    if row.assignee != row.contact:
        lines.append(f"<assignee>{_people(row.assignee)}</assignee>")
    lines.append(_people(row.contact))
    if row.description:
        text = escape(row.description)
        lines.append(
            "<description>"
            + text.replace(" IANA assigned this", "<br/><br/>\nIANA assigned this")
            + "</description>"
        )
    lines.append(f"<number>{_ports(row)}</number>" if row.port is not None else "")
    for each in _ids(row.reference):
        if re.fullmatch(r"RFC\d+", each):
            lines.append(f'<xref type="rfc" data="{each.lower()}"/>')
        else:
            lines.append(f'<xref type="text">{escape(each)}</xref>')
    lines += [
        f"<{tag}>{escape(text)}</{tag}>"
        for tag, text in (("unauthorized", row.unauthorized_use), ("note", row.notes))
        if text
    ]
    return "  " + "\n    ".join(filter(None, lines)) + "\n  </record>\n"


def _people(ids: str | None) -> str:
    return "".join(f'<xref type="person" data={quoteattr(each)}/>' for each in _ids(ids))


def _ids(joined: str | None) -> list[str]:
    return (joined or "").split()


def _ports(row: Assignment) -> str:
    if row.port is None:
        return ""
    return str(row.port) if row.port == row.last_port else f"{row.port}-{row.last_port}"
