-- One row per city, provider and period (an hour, or three): the forecast as it was issued last.
SELECT
    f.city_id,
    c.name AS city,
    f.provider,
    f.valid_at,
    f.hour_at,
    f.issued_at,
    f.period_hours,
    f.temperature_c,
    f.feels_like_c,
    f.precipitation_mm,
    f.precipitation_probability_pct,
    f.snowfall_cm,
    f.wind_speed_kmh,
    f.wind_gust_kmh,
    f.cloud_cover_pct,
    f.condition_code,
    w.label AS condition_label,
    w.condition_group,
    f.local_on,
    f.local_hour_of_week,
    -- the hour of hour_at in the city's own zone, 0 to 23
    f.local_hour_of_week % 24 AS local_hour
FROM (
    SELECT city_id, provider, hour_at, MAX(issued_at) AS issued_at FROM weather_forecasts GROUP BY city_id, provider, hour_at
) newest
JOIN weather_forecasts f
    ON f.city_id = newest.city_id
    AND f.provider = newest.provider
    AND f.hour_at = newest.hour_at
    AND f.issued_at = newest.issued_at
JOIN cities c ON c.city_id = f.city_id
LEFT JOIN weather_conditions w ON w.condition_code = f.condition_code
