-- How many hours of each of the next days are ones to ride in, and what is the weather like?
-- The hours of the newest forecast; its first and last day are not whole.
SELECT
    w.city,
    w.local_on,
    COUNT(*) AS forecast_hours,
    SUM(w.is_rideable) AS rideable_hours,
    MIN(w.temperature_c) AS coldest_c,
    MAX(w.temperature_c) AS warmest_c,
    ROUND(SUM(w.precipitation_mm), 1) AS precipitation_mm
FROM latest_issues n
JOIN latest_weather w ON w.city_id = n.city_id AND w.provider = n.provider AND w.issued_at = n.issued_at
WHERE n.provider = 'open-meteo'
GROUP BY w.city_id, w.city, w.local_on
ORDER BY w.city, w.local_on;
