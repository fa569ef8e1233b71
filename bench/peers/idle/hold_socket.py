"""Holds the socket that it inherits as descriptor 3, and nothing else: the least that a worker is."""
import socket

channel = socket.socket(fileno=3)
channel.sendall(b"ready")
while channel.recv(4096):
    pass
