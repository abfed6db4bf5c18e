-- Which cities do tomorrow's flights bring visitors to, and from which countries?
-- Flights are counted: nobody tells how many seats they have, nor who on board is a visitor. Tomorrow is the second day of the city's
-- newest forecast, by its own clock.
WITH hours AS (
    SELECT f.city_id, f.hour_at, f.local_on, DENSE_RANK() OVER (PARTITION BY f.city_id ORDER BY f.local_on) AS day_ahead
    FROM latest_issues n
    JOIN weather_forecasts f ON f.city_id = n.city_id AND f.provider = n.provider AND f.issued_at = n.issued_at
    WHERE n.provider = 'open-meteo'
)
SELECT a.city, h.local_on, c.name AS from_country, COUNT(*) AS flights
FROM hours h
JOIN nearby_airports a ON a.city_id = h.city_id
JOIN operating_flights f ON f.arrival_icao = a.airport_icao AND f.hour_at = h.hour_at
LEFT JOIN airports d ON d.airport_icao = f.departure_icao
LEFT JOIN countries c ON c.country_code = d.country_code
WHERE h.day_ahead = 2 AND f.is_cancelled = 0 AND f.is_cargo = 0
GROUP BY a.city_id, a.city, h.local_on, c.name
ORDER BY flights DESC, a.city, c.name;
