-- One row per station that the newest answer of its system's stations tells of.
SELECT
    s.system_id,
    s.station_id,
    s.name,
    s.latitude,
    s.longitude,
    s.capacity,
    s.is_virtual,
    s.is_charging,
    s.fetched_at
FROM stations s
JOIN (
    SELECT system_id, MAX(fetched_at) AS fetched_at FROM stations GROUP BY system_id
) newest ON newest.system_id = s.system_id AND newest.fetched_at = s.fetched_at
