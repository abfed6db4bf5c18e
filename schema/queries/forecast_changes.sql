-- How has the forecast for one hour changed from issue to issue? Here the hour at which the last issue begins.
SELECT c.name AS city, f.hour_at, f.issued_at, f.temperature_c, f.precipitation_mm, f.precipitation_probability_pct
FROM weather_forecasts f
JOIN cities c ON c.city_id = f.city_id
WHERE f.provider = 'open-meteo'
    AND f.hour_at = (
        SELECT MAX(newest.issued_at) FROM weather_forecasts newest WHERE newest.city_id = f.city_id AND newest.provider = f.provider
    )
ORDER BY c.name, f.issued_at;
