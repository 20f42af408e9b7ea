"""Says that it is a portbook, as another user, and writes down what it is sent: argv FILE [UID]."""

import os
import socket
import sys


def main() -> None:
    """Listen as whoever starts it, answer as UID."""
    body = b'{"schema": "portbook/health/1", "status": "ok", "live": true}'
    head = b"HTTP/1.1 200 OK\r\nServer: portbook/0.1.0\r\nContent-Length: %d\r\n\r\n" % len(body)
    with socket.create_server(("127.0.0.1", 0)) as server, open(sys.argv[1], "wb") as sent:
        print(server.getsockname()[1], flush=True)
        if len(sys.argv) > 2:
            os.setuid(int(sys.argv[2]))
        while True:
            link, _ = server.accept()
            with link:
                while data := link.recv(4096):
                    sent.write(data)
                    sent.flush()
                    link.sendall(head + body)


if __name__ == "__main__":
    main()
