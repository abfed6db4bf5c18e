-- One row per watched city and hour in which a flight is to arrive at an airport within its reach; an airport within reach of two
-- cities counts for both. Each flight counts once, at its scheduled hour, however many numbers it is sold under.
SELECT
    a.city_id,
    a.city,
    -- the hour, by the scheduled arrival (UTC)
    f.hour_at,
    -- flights with passengers that arrive, as far as is known
    COUNT(CASE WHEN f.is_cancelled = 0 AND f.is_cargo = 0 THEN 1 END) AS arrivals,
    -- flights with passengers that were, or may be, cancelled, or were diverted to another airport
    COUNT(CASE WHEN f.is_cancelled = 1 AND f.is_cargo = 0 THEN 1 END) AS cancelled_arrivals,
    -- cargo flights that arrive, as far as is known
    COUNT(CASE WHEN f.is_cancelled = 0 AND f.is_cargo = 1 THEN 1 END) AS cargo_arrivals
FROM operating_flights f
JOIN nearby_airports a ON a.airport_icao = f.arrival_icao
GROUP BY a.city_id, a.city, f.hour_at
