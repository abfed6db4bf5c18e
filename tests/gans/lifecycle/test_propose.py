"""A proposal: by what was known, with what it rests on, the same whatever the order of the rows; and every declared decision."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs
from sqlalchemy import Engine, insert, select, update

from gans import decisions
from gans.decision import Proposal
from gans.decisions import placement
from gans.decisions.placement import PlacementRequest
from gans.errors import NotKnown, NotReady
from gans.lifecycle.features import FEATURES, read_features
from gans.lifecycle.propose import propose
from gans.lifecycle.record import record
from gans.tables import metadata
from gans.tables.decisions import proposals
from tests.local.cli.test_decide import AT, system

NOW = AT + timedelta(minutes=2)
REQUEST = PlacementRequest(scooters=5)


def test_the_spots_go_by_the_newest_status(engine: Engine) -> None:
    system(engine, ("Rivoli", 0, 100), ("Bastille", 9, 10), ("Nation", None, 50))
    proposed = propose(engine, placement.decision, "velib", REQUEST, NOW)
    found = proposed.answer
    assert (found.stations, found.short, found.deficit) == (2, 1, 30.0)
    assert [(spot.near, spot.scooters) for spot in found.spots] == [("Rivoli", 5)]
    assert (proposed.basis.as_of, proposed.basis.data_at) == (NOW, AT)
    assert proposed.basis.reason == found.spots[0].reason


def test_what_became_known_later_is_not_read(engine: Engine) -> None:
    system(engine, ("Rivoli", 0, 100))
    assert len(read_features(engine, placement.decision, "velib", AT)) == 1
    assert read_features(engine, placement.decision, "velib", AT - timedelta(microseconds=1)) == []


def test_nothing_is_proposed_on_a_feed_that_stands_still_unless_asked(engine: Engine) -> None:
    """Fetched a moment ago, and made days before."""
    system(engine, ("Rivoli", 0, 100))
    made = AT - timedelta(days=24)
    with engine.begin() as connection:
        connection.execute(update(metadata.tables["station_status"]).values(feed_updated_at=made))
    said = r"The newest data of velib are of 2025-05-03 06:12 UTC, 24 days ago \(fetched 2 min ago, .*still\).*--even-if-old"
    with pytest.raises(NotReady, match=said):
        propose(engine, placement.decision, "velib", REQUEST, NOW)
    with pytest.raises(NotReady, match=r"\(fetched less than a minute ago, "):
        propose(engine, placement.decision, "velib", REQUEST, AT)
    with pytest.raises(NotReady, match=r"24 days ago \(see `gans status`\)"):
        propose(engine, placement.decision, "velib", REQUEST, NOW + timedelta(hours=2))
    proposed = propose(engine, placement.decision, "velib", REQUEST, NOW, even_if_old=True)
    assert (proposed.basis.data_at, proposed.basis.known_at) == (made, AT)
    assert proposed.answer.spots


def test_what_is_missing_is_named_with_what_to_do(engine: Engine) -> None:
    with pytest.raises(NotKnown, match=r"no system velib\. None is known yet\..*watch add-system"):
        propose(engine, placement.decision, "velib", REQUEST, NOW)
    system(engine, ("Rivoli", 0, 100), status=False)
    with pytest.raises(NotKnown, match=r"no system lime\. Known: velib\."):
        propose(engine, placement.decision, "lime", REQUEST, NOW)
    with pytest.raises(NotReady, match="`gans collect station_status` asks now"):
        propose(engine, placement.decision, "velib", REQUEST, NOW)


def test_a_system_without_stations_is_not_sent_to_a_collect_that_cannot_help(engine: Engine) -> None:
    of = {"system_id": "lime", "watched_at": AT, "discovered_at": AT, "fetched_at": AT}
    with engine.begin() as connection:
        connection.execute(
            insert(metadata.tables["systems"]), {**of, "provider": "gbfs", "vehicle_status_url": "https://x.test/v"}
        )
    with pytest.raises(NotReady, match=r"lime has no stations, only free-floating vehicles"):
        propose(engine, placement.decision, "lime", REQUEST, NOW)


def test_stations_that_are_all_closed_are_named_so(engine: Engine) -> None:
    system(engine, ("Rivoli", 0, 100))
    with engine.begin() as connection:
        connection.execute(update(metadata.tables["station_status"]).values(is_renting=False))
    with pytest.raises(NotReady, match=r"No station of velib gives vehicles now.*: 1 are known"):
        propose(engine, placement.decision, "velib", REQUEST, NOW)


def test_stations_that_tell_too_little_are_named_so(engine: Engine) -> None:
    system(engine, ("Nation", None, 50))
    with pytest.raises(NotReady, match="tell no capacity"):
        propose(engine, placement.decision, "velib", REQUEST, NOW)


def test_a_proposal_recorded_twice_is_there_once_and_a_later_one_beside_it(engine: Engine) -> None:
    system(engine, ("Rivoli", 0, 100))
    proposed = propose(engine, placement.decision, "velib", REQUEST, NOW)
    for at in (NOW, NOW, NOW + timedelta(seconds=1)):
        record(engine, proposed, at)
    with engine.connect() as connection:
        kept = connection.execute(select(proposals.c.proposed_at).order_by(proposals.c.proposed_at)).scalars().all()
    assert kept == [NOW, NOW + timedelta(seconds=1)]


def test_a_thousand_spots_fit_a_row(engine: Engine) -> None:
    """As text of MySQL's usual kind they would not."""
    system(engine, *((f"station {number}", 0, 200) for number in range(60)))
    proposed = propose(engine, placement.decision, "velib", PlacementRequest(scooters=1_000, stops=1_000), NOW)
    answer = proposed.answer
    answer = structs.replace(answer, spots=answer.spots * 20)
    large = type(proposed)(decision="placement", scope="velib", basis=proposed.basis, request=proposed.request, answer=answer)
    record(engine, large, NOW)
    with engine.connect() as connection:
        assert len(connection.scalars(select(proposals.c.answer)).one()) > 100_000


@pytest.mark.parametrize("decision", decisions.registry().values(), ids=lambda decision: decision.name)
class TestEveryDecision:
    """What every decision must keep to. A new one is taken up by itself."""

    def test_its_features_are_bound_to_a_scope_and_a_time(self, decision: Proposal) -> None:
        sql = (FEATURES / f"{decision.features}.sql").read_text(encoding="utf-8")
        assert ":scope" in sql
        assert ":as_of" in sql

    def test_its_rows_say_when_they_became_known(self, decision: Proposal) -> None:
        assert {"known_at", "data_at"} <= set(decision.row.__struct_fields__)

    def test_an_empty_database_is_not_ready(self, engine: Engine, decision: Proposal) -> None:
        assert read_features(engine, decision, "nowhere", datetime(2026, 1, 1, tzinfo=UTC)) == []
        with pytest.raises(NotReady):
            decision.solve([], None)
