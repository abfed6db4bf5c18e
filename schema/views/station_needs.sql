-- One row per current station that gives vehicles, by the newest status of its system: what it needs for this hour, and has.
SELECT
    s.system_id,
    s.station_id,
    s.name,
    s.latitude,
    s.longitude,
    s.capacity,
    s.fetched_at AS station_fetched_at,
    t.vehicles_available,
    -- the hour of fetched_at in the system's own zone; 0 is Monday 00:00. Read by its former name, which the release before writes alone
    t.hour_of_week AS local_hour_of_week,
    -- the hour of fetched_at in the system's own zone, 0 to 23
    t.hour_of_week % 24 AS local_hour,
    t.hour_of_week,
    t.is_stale,
    t.fetched_at,
    u.usual_taken,
    -- the vehicles that this hour wants: what it usually takes, or, before that is known, 30 % of the capacity; NULL if neither is told
    COALESCE(u.usual_taken, 0.3e0 * s.capacity) AS need,
    -- how many are missing to the need; NULL where that or what is available is not known
    CASE
        WHEN COALESCE(u.usual_taken, 0.3e0 * s.capacity) > t.vehicles_available
        THEN COALESCE(u.usual_taken, 0.3e0 * s.capacity) - t.vehicles_available
        WHEN COALESCE(u.usual_taken, 0.3e0 * s.capacity) <= t.vehicles_available THEN 0
    END AS shortfall,
    -- how many are there beyond the need; NULL where that or what is available is not known
    CASE
        WHEN COALESCE(u.usual_taken, 0.3e0 * s.capacity) < t.vehicles_available
        THEN t.vehicles_available - COALESCE(u.usual_taken, 0.3e0 * s.capacity)
        WHEN COALESCE(u.usual_taken, 0.3e0 * s.capacity) >= t.vehicles_available THEN 0
    END AS spare
FROM current_stations s
JOIN station_status t ON t.system_id = s.system_id AND t.station_id = s.station_id
JOIN (
    -- with a LIMIT, since MariaDB would else look for the newest anew at each station
    SELECT system_id, MAX(fetched_at) AS fetched_at FROM station_status GROUP BY system_id LIMIT 1000000
) newest ON newest.system_id = t.system_id AND newest.fetched_at = t.fetched_at
-- known once it was watched for an hour
LEFT JOIN station_usuals u
    ON u.system_id = t.system_id AND u.station_id = t.station_id AND u.hour_of_week = t.hour_of_week AND u.minutes_observed >= 60
WHERE COALESCE(t.is_installed, 1) = 1 AND COALESCE(t.is_renting, 1) = 1
