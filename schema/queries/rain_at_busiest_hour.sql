-- Does it rain at the hour of the day at which the most planes land?
-- Today and tomorrow, the first two days of the city's newest forecast, where arrivals are known; the wettest first.
WITH hours AS (
    SELECT w.*, DENSE_RANK() OVER (PARTITION BY w.city_id ORDER BY w.local_on) AS day_ahead
    FROM latest_issues n
    JOIN latest_weather w ON w.city_id = n.city_id AND w.provider = n.provider AND w.issued_at = n.issued_at
    WHERE n.provider = 'open-meteo'
),
landings AS (
    SELECT
        h.city_id,
        h.hour_at,
        COUNT(*) AS arrivals,
        ROW_NUMBER() OVER (PARTITION BY h.city_id, h.local_on ORDER BY COUNT(*) DESC, h.hour_at) AS place
    FROM hours h
    JOIN nearby_airports a ON a.city_id = h.city_id
    JOIN operating_flights f ON f.arrival_icao = a.airport_icao AND f.hour_at = h.hour_at
    WHERE h.day_ahead <= 2 AND f.is_cancelled = 0 AND f.is_cargo = 0
    GROUP BY h.city_id, h.local_on, h.hour_at
)
SELECT h.city, h.local_on, h.local_hour, l.arrivals, h.condition_label, h.precipitation_mm, h.precipitation_probability_pct
FROM landings l
JOIN hours h ON h.city_id = l.city_id AND h.hour_at = l.hour_at
WHERE l.place = 1
ORDER BY h.precipitation_mm DESC, h.precipitation_probability_pct DESC, h.city, h.local_on;
