"""What a source is made of."""

from gans.source import Request


def test_a_request_shows_its_query() -> None:
    assert Request("a", "https://api.test/x").full_url == "https://api.test/x"
    asked = Request("a", "https://api.test/x", {"at": "1,2", "q": "a b&c"})
    assert asked.full_url == "https://api.test/x?at=1,2&q=a+b%26c"
