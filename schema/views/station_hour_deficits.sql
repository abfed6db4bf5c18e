-- One row per station and hour that was watched: what it was like, and how many of the hour's riders found no vehicle at it. What
-- neighbours could have served is not taken off.
SELECT
    h.system_id,
    h.station_id,
    s.name,
    s.latitude,
    s.longitude,
    s.capacity,
    h.hour_at,
    -- the date of hour_at in the system's own zone. Read by its former name, which the release before writes alone
    h.local_date AS local_on,
    -- the hour of hour_at in the system's own zone, 0 to 23
    h.hour_of_week % 24 AS local_hour,
    -- the same hour of the week; 0 is Monday 00:00
    h.hour_of_week AS local_hour_of_week,
    h.hour_of_week,
    h.local_date,
    h.vehicles_mean,
    h.vehicles_min,
    h.docks_mean,
    h.minutes_observed,
    h.minutes_empty,
    h.minutes_full,
    h.vehicles_taken,
    u.usual_taken,
    -- the part of the need (as in station_needs) that fell into the minutes without a vehicle; NULL where the need is not known
    COALESCE(u.usual_taken, 0.3e0 * s.capacity) * h.minutes_empty / NULLIF(h.minutes_observed, 0) AS deficit
FROM station_hours h
JOIN stations s ON s.system_id = h.system_id AND s.station_id = h.station_id
LEFT JOIN station_usuals u
    ON u.system_id = h.system_id AND u.station_id = h.station_id AND u.hour_of_week = h.hour_of_week AND u.minutes_observed >= 60
