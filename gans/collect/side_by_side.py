"""Several hosts asked at once, their answers in the order of the questions.

One host is asked one thing at a time, in the order planned. What is asked ahead of the answer that is waited for is bounded: in
how many hosts at once, and in the bytes that are held.
"""

from collections import deque
from collections.abc import Callable, Iterable
from threading import Condition, Thread
from typing import Final, Generic, TypeVar

from gans.source import Request

A = TypeVar("A")

AT_ONCE: Final = 4
"""How many hosts are asked at once."""

HELD_BYTES: Final = 16 * 1024 * 1024
"""With answers of so many bytes waiting for their turn, none is asked for but the one that is waited for."""


class SideBySide(Generic[A]):
    """Asks ahead, in threads, until its end.

    Args:
        ask: gives the answer to a request; called in a thread.
        size: of an answer, B.
    """

    def __init__(self, ask: Callable[[Request], A], size: Callable[[A], int]) -> None:
        self._ask, self._size = ask, size
        self._changed = Condition()
        self._waiting = deque[Request]()
        self._asked: dict[int, A | BaseException] = {}
        self._busy = set[str]()
        self._held = 0
        self._wanted: Request | None = None
        self._is_over = False
        self.threads: list[Thread] = []

    def end(self) -> None:
        """What is under way ends by its own time-outs; nothing more is begun, and nobody waits."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def add(self, requests: Iterable[Request]) -> None:
        """Requests whose answers will be taken next, before those that were added earlier."""
        with self._changed:
            self._waiting.extendleft(reversed(list(requests)))
            wanted = min(AT_ONCE, len({request.host for request in self._waiting}))
            while len(self.threads) < wanted:
                # A daemon: a process that is told to end does not wait for an upstream that hangs.
                self.threads.append(Thread(target=self._work, name="ask", daemon=True))
                self.threads[-1].start()
            self._changed.notify_all()

    def take(self, request: Request) -> A:
        """The answer to a request that was added; what was raised in asking is raised here."""
        with self._changed:
            self._wanted = request
            self._changed.notify_all()
            self._changed.wait_for(lambda: id(request) in self._asked)
            answer = self._asked.pop(id(request))
            if isinstance(answer, BaseException):
                raise answer
            self._held -= self._size(answer)
            self._changed.notify_all()
        return answer

    def _next(self) -> Request | None:
        """The first request whose host is not being asked; while enough is held, only the one that is waited for."""
        for place, request in enumerate(self._waiting):
            if request.host not in self._busy and (self._held < HELD_BYTES or request is self._wanted):
                del self._waiting[place]
                return request
        return None

    def _work(self) -> None:
        while True:
            with self._changed:
                request = None
                while not self._is_over and (request := self._next()) is None:
                    self._changed.wait()
                if request is None:
                    return
                self._busy.add(request.host)
            answer: A | BaseException
            try:
                answer = self._ask(request)
            except BaseException as error:
                answer = error
            with self._changed:
                self._busy.remove(request.host)
                self._asked[id(request)] = answer
                self._held += 0 if isinstance(answer, BaseException) else self._size(answer)
                self._changed.notify_all()
