-- One row per watched city and provider: the forecast that was issued last. Where it begins is the city's now.
SELECT
    c.city_id,
    c.name AS city,
    -- who forecast it
    n.provider,
    -- the slot it was asked in (UTC)
    n.issued_at
FROM cities c
JOIN (
    SELECT city_id, provider, MAX(issued_at) AS issued_at FROM weather_forecasts GROUP BY city_id, provider
) n ON n.city_id = c.city_id
WHERE c.is_watched = 1
