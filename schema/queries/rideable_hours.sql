-- How many hours of each day are ones to ride in, and what is the weather like?
SELECT
    city,
    local_on,
    COUNT(*) AS forecast_hours,
    SUM(is_rideable) AS rideable_hours,
    MIN(temperature_c) AS coldest_c,
    MAX(temperature_c) AS warmest_c,
    SUM(precipitation_mm) AS precipitation_mm
FROM city_hours
GROUP BY city_id, city, local_on
ORDER BY city, local_on;
