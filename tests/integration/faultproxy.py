# SPDX-License-Identifier: MIT
"""A TCP proxy before a real server: delay, trickle, stall, cut, reset, half-close, refuse."""
import selectors
import socket
import struct
import threading
import time

from pgserver import free_port


class Proxy:
    def __init__(self, target):
        self.target = target
        self.port = free_port()
        self.stalled = threading.Event()
        self.seconds = 0.0     # each piece is held back so long
        self.trickling = False  # one byte at a time
        self.closing = False
        self.pairs = []
        self.lock = threading.Lock()
        self.listener = None
        self._listen()

    def _listen(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(64)
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(listener, client), daemon=True).start()

    def _serve(self, listener, client):
        try:
            server = socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            client.close()
            return
        with self.lock:
            if self.listener is not listener:  # refused meanwhile: nobody would ever cut it
                client.close()
                server.close()
                return
            self.pairs.append((client, server))
        with selectors.DefaultSelector() as selector:
            selector.register(client, selectors.EVENT_READ, server)
            selector.register(server, selectors.EVENT_READ, client)
            try:
                while not self.closing:
                    for key, _ in selector.select(0.05):
                        while self.stalled.is_set() and not self.closing:
                            self.stalled_wait()
                        data = key.fileobj.recv(65536)
                        if not data:
                            return
                        self._pass(key.data, data)
            except OSError:
                pass
            finally:
                client.close()
                server.close()

    def _pass(self, to, data):
        if self.seconds:
            time.sleep(self.seconds)
        if not self.trickling:
            to.sendall(data)
            return
        to.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in range(len(data)):
            to.sendall(data[number:number + 1])

    def delay(self, seconds):
        self.seconds = seconds

    def trickle(self, on=True):
        self.trickling = on

    def reset(self):
        """Both sides get a reset rather than an end."""
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for sock in pair:
                try:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    sock.shutdown(socket.SHUT_RD)  # wakes the thread, which closes it
                except OSError:
                    pass

    def half_close(self):
        """The client sees the server's end, while what it sends still arrives."""
        with self.lock:
            pairs = list(self.pairs)
        for client, _ in pairs:
            try:
                client.shutdown(socket.SHUT_WR)
            except OSError:
                pass

    def stalled_wait(self):
        threading.Event().wait(0.02)

    def stall(self):
        """Accept, and pass nothing on."""
        self.stalled.set()

    def _stop_listening(self):
        with self.lock:
            listener, self.listener = self.listener, None
        if listener is None:
            return
        try:
            listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        except OSError:
            pass
        listener.close()

    def refuse(self):
        self._stop_listening()
        self.cut()

    def cut(self):
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for sock in pair:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def resume(self):
        self.stalled.clear()
        if self.listener is None:
            self._listen()

    def close(self):
        self.closing = True
        self._stop_listening()
        self.cut()
