-- Which holidays come next, and in which cities?
-- The next three public ones of the whole country, or of the part that the watchlist says the city lies in, from the day on which the city's newest forecast begins.
WITH holidays_ahead AS (
    SELECT DISTINCT
        c.name AS city,
        h.observed_on,
        h.name AS holiday,
        DENSE_RANK() OVER (PARTITION BY c.city_id ORDER BY h.observed_on, h.name) AS place
    FROM latest_issues n
    JOIN weather_forecasts today
        ON today.city_id = n.city_id AND today.provider = n.provider
        AND today.hour_at = n.issued_at AND today.issued_at = n.issued_at
    JOIN cities c ON c.city_id = n.city_id
    JOIN holidays h ON h.country_code = c.country_code AND h.region IN ('', c.region) AND h.observed_on >= today.local_on
    WHERE n.provider = 'open-meteo' AND h.is_public = 1
)
SELECT observed_on, holiday, city
FROM holidays_ahead
WHERE place <= 3
ORDER BY observed_on, holiday, city;
