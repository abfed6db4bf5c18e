-- Which stations are empty when the morning starts?
-- From eight to nine on the last five Mondays to Fridays, by the system's own clock, at the stations that give vehicles now: the
-- share of the minutes in which they gave vehicles.
WITH hours AS (
    SELECT system_id, hour_at, MIN(station_id) AS station_id FROM station_hours GROUP BY system_id, hour_at
),
mornings AS (
    SELECT h.system_id, h.hour_at, ROW_NUMBER() OVER (PARTITION BY h.system_id ORDER BY h.hour_at DESC) AS place
    FROM hours h
    JOIN station_hours o ON o.system_id = h.system_id AND o.station_id = h.station_id AND o.hour_at = h.hour_at
    WHERE COALESCE(o.local_hour_of_week, o.hour_of_week) IN (8, 32, 56, 80, 104)
)
SELECT
    h.system_id,
    s.name AS station,
    s.capacity,
    SUM(COALESCE(h.minutes_renting, h.minutes_observed)) AS minutes_renting,
    ROUND(100e0 * SUM(h.minutes_empty) / SUM(COALESCE(h.minutes_renting, h.minutes_observed)), 1) AS empty_pct
FROM mornings m
JOIN station_hours h ON h.system_id = m.system_id AND h.hour_at = m.hour_at
JOIN current_stations s ON s.system_id = h.system_id AND s.station_id = h.station_id
JOIN station_status t ON t.system_id = h.system_id AND t.station_id = h.station_id
WHERE m.place <= 5 AND COALESCE(t.is_installed, 1) = 1 AND COALESCE(t.is_renting, 1) = 1
GROUP BY h.system_id, h.station_id, s.name, s.capacity
HAVING SUM(h.minutes_empty) > 0
ORDER BY empty_pct DESC, s.capacity DESC, h.system_id, h.station_id
LIMIT 20;
