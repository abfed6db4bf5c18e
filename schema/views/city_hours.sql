-- One row per watched city and hour: the weather as last forecast, and whether it is one to ride in. Sums cover the hour before.
SELECT
    w.city_id,
    w.city,
    c.country_code,
    w.valid_at AS hour_at,
    w.local_on,
    w.local_hour,
    w.local_hour_of_week,
    w.issued_at AS weather_issued_at,
    w.temperature_c,
    w.feels_like_c,
    w.precipitation_mm,
    w.precipitation_probability_pct,
    w.snowfall_cm,
    w.wind_speed_kmh,
    w.wind_gust_kmh,
    w.cloud_cover_pct,
    w.condition_label,
    w.condition_group,
    -- 1 if dry, above freezing, without snow and without a gust that pushes a rider (Beaufort 7 begins at 50 km/h), else 0
    CASE
        WHEN w.temperature_c IS NULL OR w.precipitation_mm IS NULL OR w.snowfall_cm IS NULL OR w.wind_gust_kmh IS NULL THEN NULL
        WHEN w.temperature_c > 0 AND w.precipitation_mm <= 0.2 AND w.wind_gust_kmh < 50 AND w.snowfall_cm = 0 THEN 1
        ELSE 0
    END AS is_rideable
FROM latest_weather w
JOIN cities c ON c.city_id = w.city_id
WHERE c.is_watched = 1 AND w.provider = 'open-meteo'
