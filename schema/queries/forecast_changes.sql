-- How has the forecast for one hour changed from issue to issue?
-- Here the hour at which the newest issue begins.
SELECT n.city, f.hour_at, f.issued_at, f.temperature_c, f.precipitation_mm, f.precipitation_probability_pct
FROM latest_issues n
JOIN weather_forecasts f ON f.city_id = n.city_id AND f.provider = n.provider AND f.hour_at = n.issued_at
WHERE n.provider = 'open-meteo'
ORDER BY n.city, f.issued_at;
