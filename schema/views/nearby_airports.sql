-- One row per watched city and airport within its reach, as the newest list of airports has it.
SELECT
    l.city_id,
    c.name AS city,
    l.airport_icao,
    a.iata_code,
    a.name AS airport,
    a.kind,
    l.distance_km
FROM city_airports l
JOIN cities c ON c.city_id = l.city_id
JOIN airports a ON a.airport_icao = l.airport_icao
-- A link that the newest list no longer has keeps its older fetched_at.
WHERE c.is_watched = 1 AND l.fetched_at = (SELECT MAX(newest.fetched_at) FROM airports newest)
