-- One row per city, provider and period (an hour, or three): the forecast as it was issued last.
SELECT
    f.city_id,
    c.name AS city,
    f.provider,
    f.valid_at,
    f.hour_at,
    f.issued_at,
    -- when it became known: the later of its issue and of when it was really asked (UTC)
    CASE WHEN f.fetched_at > f.issued_at THEN f.fetched_at ELSE f.issued_at END AS known_at,
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
    f.local_hour_of_week % 24 AS local_hour,
    -- 1 if the period is dry, above freezing, without snow and without a gust that pushes a rider (Beaufort 7 begins at 50 km/h), else 0
    CASE
        WHEN f.temperature_c IS NULL OR f.precipitation_mm IS NULL OR f.snowfall_cm IS NULL OR f.wind_gust_kmh IS NULL THEN NULL
        WHEN f.temperature_c > 0 AND f.precipitation_mm <= 0.2 AND f.wind_gust_kmh < 50 AND f.snowfall_cm = 0 THEN 1
        ELSE 0
    END AS is_rideable
FROM weather_forecasts f
JOIN cities c ON c.city_id = f.city_id
LEFT JOIN weather_conditions w ON w.condition_code = f.condition_code
-- Asked for each row, and not once for all, so that whoever wants a few hours does not wait for those of all years.
WHERE f.issued_at = (
    SELECT MAX(newest.issued_at)
    FROM weather_forecasts newest
    WHERE newest.city_id = f.city_id AND newest.provider = f.provider AND newest.hour_at = f.hour_at
)
