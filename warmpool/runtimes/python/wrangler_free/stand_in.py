"""Reads the wire while user code keeps the main thread busy. Handing every frame from a reading thread to a running one
would cost more than most handlers do, so the main thread reads for itself and runs what it has read; only when a handler has
been at it for a while does the stand-in take over: it answers pings, hears of cancels, and ends the process when the
parent is gone. Whoever holds the role reads; nobody else does."""
import os
import select
import threading
import time
from queue import SimpleQueue

# A call that is shorter never costs a switch between threads.
TICK_S = 0.05


class StandIn:
    def __init__(self, channel):
        self._channel = channel
        self._role = threading.Lock()
        self._role.acquire()
        self._wakes = SimpleQueue()
        self._is_asleep = True
        # Odd while user code runs; another number for every time that it does.
        self._turn = 0
        self._recall_out, self._recall_in = os.pipe()
        threading.Thread(target=self._run, name='wrangler-free-stand-in', daemon=True).start()

    def give(self):
        """User code is about to run in the main thread."""
        self._turn += 1
        self._role.release()
        if self._is_asleep:
            self._is_asleep = False
            self._wakes.put(None)

    def take(self):
        """The main thread reads again."""
        self._turn += 1
        if self._role.acquire(False):
            return
        if self._channel.is_lost:
            # A fork that came back from the handler: there is no stand-in here to give the role back.
            os._exit(0)
        os.write(self._recall_in, b'.')
        self._role.acquire()

    def _run(self):
        try:
            while True:
                self._wakes.get()
                self._watch()
        except BaseException as error:
            die(error)

    def _watch(self):
        """Returns once the main thread has been reading for a whole tick: then it is woken when user code runs again."""
        seen = self._turn
        while True:
            time.sleep(TICK_S)
            turn = self._turn
            if turn == seen and turn & 1:
                self._stand_in()
            elif turn == seen:
                self._is_asleep = True
                if self._turn == seen:
                    return
                # It ran meanwhile, and may not have seen that nobody watches.
                self._is_asleep = False
            seen = turn

    def _stand_in(self):
        if not self._role.acquire(False):
            return
        poll = select.poll()
        poll.register(self._channel.socket, select.POLLIN)
        poll.register(self._recall_out, select.POLLIN)
        while not any(fd == self._recall_out for fd, _ in poll.poll()):
            self._channel.receive()
        os.read(self._recall_out, 1)
        self._role.release()


def die(error):
    """The runtime itself, or the parent, is at fault: this process cannot be trusted to go on."""
    import sys
    import traceback
    traceback.print_exception(type(error), error, error.__traceback__)
    sys.stderr.flush()
    os._exit(1)
