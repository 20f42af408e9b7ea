"""A bus that behaves badly. Arguments: the path of its Unix socket, and how it misbehaves.

It prints a line when it listens, and serves one client after another until it is ended.
"""

import itertools
import socket
import struct
import sys
import time
from collections.abc import Iterator
from typing import Any

from jeepney import Header, HeaderFields, Message, MessageType, new_method_return, new_signal
from jeepney.low_level import Endianness, Parser
from jeepney.wrappers import DBusAddress

NEVER = 3600


def requests(client: socket.socket) -> Iterator[Message]:
    """The client's messages."""
    parser = Parser()
    while data := client.recv(65536):
        yield from parser.feed(data)


def reply_to(call: Message, signature: str | None = None, *body: Any) -> bytes:
    """An honest answer."""
    made: bytes = new_method_return(call, signature, body).serialise(serial=1)
    return made


def refusing(call: Message, name: str) -> bytes:
    """An error."""
    fields = {HeaderFields.reply_serial: call.header.serial, HeaderFields.error_name: name}
    header = Header(Endianness.little, MessageType.error, 0, 1, 0, 1, fields)
    made: bytes = Message(header, ()).serialise(serial=1)
    return made


def empty_structures(call: Message) -> bytes:
    """An array of structures without fields: a reader would never come to its end."""
    body = struct.pack("<I4x", 8) + b"\0" * 8
    fields = {HeaderFields.reply_serial: call.header.serial, HeaderFields.signature: "a()"}
    header = Header(Endianness.little, MessageType.method_return, 0, 1, len(body), 1, fields)
    data = header.serialise(serial=1)
    return bytes(data + b"\0" * (-len(data) % 8) + body)


def answer(how: str, call: Message, client: socket.socket) -> None:
    """What a call gets after an honest greeting."""
    match how:
        case "hang":
            time.sleep(NEVER)
        case "close":
            client.close()
            sys.exit()
        case "garbage":
            client.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        case "enormous":
            client.sendall(struct.pack("<cBBBIII", b"l", 2, 0, 1, 1 << 30, 1, 16) + b"\0" * 99)
        case "drip":
            for byte in itertools.cycle(reply_to(call, "s", "x" * 4000)):
                client.sendall(bytes([byte]))
                time.sleep(0.01)
        case "flood":
            at = DBusAddress("/org/freedesktop/systemd1", interface="org.freedesktop.systemd1.M")
            noise = new_signal(at, "JobNew", "s", ("x" * 60000,)).serialise(serial=1)
            while True:
                client.sendall(noise)
        case "structures":
            client.sendall(empty_structures(call))
        case "another-type":
            client.sendall(reply_to(call, "u", 7))
        case "half":
            client.sendall(reply_to(call, "s", "x" * 100)[:-50])
            client.shutdown(socket.SHUT_WR)
        case "deny":
            client.sendall(refusing(call, "org.freedesktop.DBus.Error.AccessDenied"))
        case "odd-error":
            client.sendall(refusing(call, "org.example.\x1b[31mRed"))


def serve(how: str, client: socket.socket) -> None:
    """One client, from its first byte."""
    if how == "silent":
        time.sleep(NEVER)
    client.recv(512)
    if how == "reject":
        client.sendall(b"REJECTED EXTERNAL\r\n")
        return
    if how == "no-dbus":
        client.sendall(b"220 ready\r\n")
        return
    client.sendall(b"OK 0123456789abcdef0123456789abcdef\r\n")
    rest = b""
    while not rest.endswith(b"BEGIN\r\n"):
        rest += client.recv(7 - len(rest))
    for number, call in enumerate(requests(client)):
        if number == 0:
            client.sendall(reply_to(call, "s", ":1.1"))
        else:
            answer(how, call, client)


def main() -> None:
    """Listen and serve."""
    path, how = sys.argv[1:]
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        print("listening", flush=True)
        while True:
            client, _ = listening.accept()
            with client:
                try:
                    serve(how, client)
                except OSError:
                    continue


main()
