-- One row per watched city and hour, the hour that begins at hour_at: the weather as last forecast, the flights that are to arrive,
-- whether it lies in a holiday, and whether it is one to ride in. Sums, gusts and chances are of the hour; temperature, mean wind,
-- clouds and condition are those at its end. The weather is open-meteo's, who forecasts by the hour; a period of three hours
-- (openweather) would tell each hour too much, and is in latest_weather alone.
SELECT
    w.city_id,
    w.city,
    c.country_code,
    w.hour_at,
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
    -- flights with passengers that are to arrive in the hour, as far as is known; NULL where no flight was told for it, never 0 instead
    (
        SELECT CASE WHEN COUNT(*) > 0 THEN COUNT(CASE WHEN f.is_cancelled = 0 AND f.is_cargo = 0 THEN 1 END) END
        FROM nearby_airports a
        JOIN operating_flights f ON f.arrival_icao = a.airport_icao
        WHERE a.city_id = w.city_id AND f.hour_at = w.hour_at
    ) AS arrivals,
    -- 1 if local_on is a public holiday of the whole country or of the part that the watchlist says the city lies in, else 0. NULL where
    -- that is not known: outside of the years whose holidays are known, and, of a city whose part is not told, on a day that is a
    -- public holiday of some parts only
    CASE
        WHEN EXISTS (
            SELECT 1
            FROM holidays h
            WHERE h.country_code = c.country_code AND h.observed_on = w.local_on AND h.is_public = 1 AND h.region IN ('', c.region)
        ) THEN 1
        WHEN c.region IS NULL AND EXISTS (
            SELECT 1
            FROM holidays h
            WHERE h.country_code = c.country_code AND h.observed_on = w.local_on AND h.is_public = 1
        ) THEN NULL
        WHEN w.local_on >= (SELECT MIN(h.observed_on) FROM holidays h WHERE h.country_code = c.country_code)
            AND w.local_on <= (SELECT MAX(h.observed_on) FROM holidays h WHERE h.country_code = c.country_code)
        THEN 0
    END AS is_holiday,
    -- that holiday's English name; of two on one date the first by name
    (
        SELECT MIN(h.name)
        FROM holidays h
        WHERE h.country_code = c.country_code AND h.observed_on = w.local_on AND h.is_public = 1 AND h.region IN ('', c.region)
    ) AS holiday,
    w.is_rideable
FROM latest_weather w
JOIN cities c ON c.city_id = w.city_id
WHERE c.is_watched = 1 AND w.provider = 'open-meteo'
