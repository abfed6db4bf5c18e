"""What a source is made of."""

from gans.source import Request


def test_a_request_shows_its_query() -> None:
    assert Request(unit="a", url="https://api.test/x").full_url == "https://api.test/x"
    asked = Request(unit="a", url="https://api.test/x", params={"at": "1,2", "q": "a b&c"})
    assert asked.full_url == "https://api.test/x?at=1,2&q=a+b%26c"
