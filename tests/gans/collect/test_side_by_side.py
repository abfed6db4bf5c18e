"""Hosts asked side by side: a few at once, one thing at a time of each, answers in the order of the questions."""

from collections import Counter
from collections.abc import Callable, Iterator
from threading import Event, Lock

import pytest

from gans.collect import side_by_side
from gans.collect.side_by_side import AT_ONCE, SideBySide
from gans.source import Request

WAIT_S = 60
"""Room for a busy machine; nothing here takes it."""


def request(host: str, name: str = "a") -> Request:
    return Request(unit=f"{host} {name}", url=f"https://{host}.test/{name}")


Make = Callable[[Callable[[Request], bytes]], SideBySide[bytes]]


@pytest.fixture
def make() -> Iterator[Make]:
    made = []

    def make(ask: Callable[[Request], bytes]) -> SideBySide[bytes]:
        made.append(SideBySide(ask, len))
        return made[-1]

    yield make
    for one in made:
        one.end()


def test_a_host_that_hangs_keeps_no_other_waiting(make: Make) -> None:
    let_go, others = Event(), [request(f"h{number}") for number in range(10)]
    answered = Counter[str]()
    all_answered = Event()

    def ask(request: Request) -> bytes:
        if request.host == "slow.test":
            assert let_go.wait(WAIT_S)
        else:
            answered[request.host] += 1
            if len(answered) == len(others):
                all_answered.set()
        return request.unit.encode()

    slow = request("slow")
    asking = make(ask)
    asking.add([slow, *others])
    assert all_answered.wait(WAIT_S), "they were asked while the first one hung"
    let_go.set()
    assert [asking.take(one) for one in (slow, *others)] == [one.unit.encode() for one in (slow, *others)]


def test_a_few_hosts_are_asked_at_once_and_each_one_thing_at_a_time(make: Make) -> None:
    lock, under_way, most = Lock(), Counter[str](), Counter[str]()
    full = Event()

    def ask(request: Request) -> bytes:
        with lock:
            under_way[request.host] += 1
            most[request.host] = max(most[request.host], under_way[request.host])
            most["all"] = max(most["all"], under_way.total())
            if under_way.total() == AT_ONCE:
                full.set()
        assert full.wait(WAIT_S)
        with lock:
            under_way[request.host] -= 1
        return b""

    asked = [request(f"h{number % 7}", str(number)) for number in range(35)]
    asking = make(ask)
    asking.add(asked)
    for one in asked:
        asking.take(one)
    assert most.pop("all") == AT_ONCE
    assert set(most.values()) == {1}


def test_what_an_answer_names_comes_next_and_a_host_is_asked_in_order(make: Make) -> None:
    order = list[str]()

    def ask(request: Request) -> bytes:
        order.append(request.unit)
        return b""

    first, second, third = (request("h", name) for name in "abc")
    asking = make(ask)
    asking.add([first, second, third])
    for one in (first, second, third):
        asking.take(one)
    assert order == ["h a", "h b", "h c"]


def test_what_was_raised_is_raised_where_it_is_taken(make: Make) -> None:
    def ask(request: Request) -> bytes:
        if request.unit == "b a":
            raise KeyboardInterrupt
        return b"ok"

    asking = make(ask)
    asking.add(requests := [request(host) for host in "abc"])
    assert asking.take(requests[0]) == b"ok"
    with pytest.raises(KeyboardInterrupt):
        asking.take(requests[1])
    assert asking.take(requests[2]) == b"ok"


def test_while_enough_is_held_only_what_is_waited_for_is_asked(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_by_side, "HELD_BYTES", 10)
    asked = list[str]()

    def ask(request: Request) -> bytes:
        asked.append(request.unit)
        return bytes(10)

    requests = [request("h", str(number)) for number in range(50)]
    asking = make(ask)
    asking.add(requests)
    for number, one in enumerate(requests, 1):
        asking.take(one)
        assert len(asked) <= number + 1, "beyond the one that is taken, one at most is held"


def test_after_the_end_nothing_more_is_begun(make: Make) -> None:
    begun, go_on, asked = Event(), Event(), list[str]()

    def ask(request: Request) -> bytes:
        asked.append(request.unit)
        begun.set()
        assert go_on.wait(WAIT_S)
        return b""

    asking = make(ask)
    asking.add([request("h", name) for name in "abc"])
    assert begun.wait(WAIT_S)
    asking.end()
    go_on.set()
    for thread in asking.threads:
        thread.join(WAIT_S)
    assert asked == ["h a"]
