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
    -- of the minutes observed, those in which it gave vehicles, min; hours of before this was kept count as open
    COALESCE(h.minutes_renting, h.minutes_observed) AS minutes_renting,
    -- of the minutes observed, those in which it took them back, min; hours of before this was kept count as open
    COALESCE(h.minutes_returning, h.minutes_observed) AS minutes_returning,
    h.minutes_empty,
    h.minutes_full,
    h.vehicles_taken,
    u.usual_taken,
    u.usual_returned,
    -- of the minutes in which it gave vehicles at such an hour, the share in which there was one: the rest of usual_taken is estimated
    1e0 * u.minutes_with_vehicle / NULLIF(u.minutes_renting, 0) AS share_observed,
    -- the part of the need (as in station_needs) that fell into the minutes without a vehicle; NULL where the need is not known
    COALESCE(u.usual_taken, 0.3e0 * s.capacity) * h.minutes_empty
        / NULLIF(COALESCE(h.minutes_renting, h.minutes_observed), 0) AS deficit,
    -- the part of usual_returned that fell into the minutes without a free dock; NULL where that is not known
    u.usual_returned * h.minutes_full / NULLIF(COALESCE(h.minutes_returning, h.minutes_observed), 0) AS dock_deficit
FROM station_hours h
JOIN stations s ON s.system_id = h.system_id AND s.station_id = h.station_id
LEFT JOIN station_usuals u
    ON u.system_id = h.system_id AND u.station_id = h.station_id AND u.hour_of_week = h.hour_of_week
    -- what the release before made of less than an hour is no rate
    AND (u.taken IS NOT NULL OR u.minutes_observed >= 60)
