"""Runs a rule's script in a fork of the process that serves (`warm.py`): python -I -S forked.py <address> <script>."""

import json
import os
import socket
import sys

with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
    server.connect(bytes.fromhex(sys.argv[1]))
    message = {"script": sys.argv[2], "folder": os.getcwd(), "environment": dict(os.environ)}
    socket.send_fds(server, [json.dumps(message).encode()], [0, 1, 2])
    status = int(server.recv(16) or 1)
sys.exit(status)
