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
    t.docks_available,
    -- the hour of fetched_at in the system's own zone; 0 is Monday 00:00. Read by its former name, which the release before writes alone
    t.hour_of_week AS local_hour_of_week,
    -- the hour of fetched_at in the system's own zone, 0 to 23
    t.hour_of_week % 24 AS local_hour,
    t.hour_of_week,
    t.is_stale,
    t.fetched_at,
    -- how old the status is: the older of what the feed says of itself and of when it was fetched (UTC)
    CASE WHEN t.feed_updated_at < t.fetched_at THEN t.feed_updated_at ELSE t.fetched_at END AS status_at,
    u.usual_taken,
    u.usual_returned,
    -- of the minutes in which it gave vehicles at such an hour, the share in which there was one: the rest of usual_taken is estimated
    1e0 * u.minutes_with_vehicle / NULLIF(u.minutes_renting, 0) AS share_observed,
    -- of the minutes in which it took vehicles back, the share in which a dock was free: the rest of usual_returned is estimated
    1e0 * u.minutes_with_dock / NULLIF(u.minutes_returning, 0) AS dock_share_observed,
    -- the vehicles that this hour wants: what it usually takes, or, before that is known, 30 % of the capacity; NULL if neither is known
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
    END AS spare,
    -- how many riders of the hour will find no dock to return to; NULL where it is not known what is usual, or how many are free
    CASE
        WHEN u.usual_returned > t.docks_available THEN u.usual_returned - t.docks_available
        WHEN u.usual_returned <= t.docks_available THEN 0
    END AS dock_shortfall
FROM current_stations s
JOIN station_status t ON t.system_id = s.system_id AND t.station_id = s.station_id
JOIN (
    -- with a LIMIT, since MariaDB would else look for the newest anew at each station
    SELECT system_id, MAX(fetched_at) AS fetched_at FROM station_status GROUP BY system_id LIMIT 1000000
) newest ON newest.system_id = t.system_id AND newest.fetched_at = t.fetched_at
LEFT JOIN station_usuals u
    ON u.system_id = t.system_id AND u.station_id = t.station_id AND u.hour_of_week = t.hour_of_week
    -- what the release before made of less than an hour is no rate
    AND (u.taken IS NOT NULL OR u.minutes_observed >= 60)
WHERE COALESCE(t.is_installed, 1) = 1 AND COALESCE(t.is_renting, 1) = 1
