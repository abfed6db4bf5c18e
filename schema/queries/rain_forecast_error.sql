-- How wrong was the rain forecast of two days ahead, against the last one before the hour?
-- Of the hours at which a forecast was issued, in the last days. A forecast reaches a week ahead: the issues of the last week are
-- those that tell of the hour at which the newest begins, and the hours of the week tell how far apart two of them are.
WITH issues AS (
    SELECT DISTINCT h.city_id, n.city, h.provider, h.issued_at, h.local_hour_of_week, h.precipitation_mm
    FROM latest_issues n
    JOIN weather_forecasts i ON i.city_id = n.city_id AND i.provider = n.provider AND i.hour_at = n.issued_at
    JOIN weather_forecasts h
        ON h.city_id = i.city_id AND h.provider = i.provider AND h.hour_at = i.issued_at AND h.issued_at = i.issued_at
    WHERE n.provider = 'open-meteo'
)
SELECT
    i.city,
    COUNT(*) AS hours,
    ROUND(AVG(ABS(f.precipitation_mm - i.precipitation_mm)), 2) AS mean_error_mm,
    SUM(CASE WHEN i.precipitation_mm > 0.2 AND f.precipitation_mm <= 0.2 THEN 1 ELSE 0 END) AS hours_of_rain_missed,
    SUM(CASE WHEN i.precipitation_mm <= 0.2 AND f.precipitation_mm > 0.2 THEN 1 ELSE 0 END) AS hours_of_false_alarm
FROM issues i
JOIN issues e ON e.city_id = i.city_id AND (i.local_hour_of_week - e.local_hour_of_week + 168) % 168 = 48
JOIN weather_forecasts f
    ON f.city_id = i.city_id AND f.provider = i.provider AND f.hour_at = i.issued_at AND f.issued_at = e.issued_at
WHERE f.precipitation_mm IS NOT NULL AND i.precipitation_mm IS NOT NULL
GROUP BY i.city_id, i.city
ORDER BY mean_error_mm DESC, i.city;
