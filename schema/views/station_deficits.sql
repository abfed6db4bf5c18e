-- One row per current station that gives vehicles: how many riders of this hour will find none, there or within 300 m. What a
-- station has beyond its own need serves its neighbours in proportion to what they are short of, each vehicle once.
SELECT
    i.system_id,
    i.station_id,
    i.name,
    i.latitude,
    i.longitude,
    i.capacity,
    i.vehicles_available,
    i.docks_available,
    i.local_hour_of_week,
    i.local_hour,
    i.hour_of_week,
    i.is_stale,
    i.fetched_at,
    i.status_at,
    i.usual_taken,
    i.share_observed,
    i.need,
    i.shortfall,
    -- what its share of the neighbours' spare vehicles serves of the shortfall
    i.shortfall * CASE
        WHEN SUM(lender.spare / asked.shortfall) >= 1 THEN 1
        ELSE COALESCE(SUM(lender.spare / asked.shortfall), 0)
    END AS served_by_neighbours,
    -- what is left of the shortfall, 0 or more; NULL where it is not known what the station needs or has
    i.shortfall * CASE
        WHEN SUM(lender.spare / asked.shortfall) >= 1 THEN 0
        ELSE 1 - COALESCE(SUM(lender.spare / asked.shortfall), 0)
    END AS deficit,
    i.dock_shortfall
FROM station_needs i
LEFT JOIN station_neighbours p
    ON p.system_id = i.system_id AND p.station_id = i.station_id AND p.fetched_at = i.station_fetched_at
    AND p.distance_m <= 300
LEFT JOIN station_needs lender ON lender.system_id = p.system_id AND lender.station_id = p.neighbour_id
LEFT JOIN (
    -- what all the neighbours of a lender are short of
    SELECT q.system_id, q.neighbour_id, SUM(m.shortfall) AS shortfall
    FROM station_needs m
    JOIN station_neighbours q ON q.system_id = m.system_id AND q.station_id = m.station_id AND q.fetched_at = m.station_fetched_at
    WHERE q.distance_m <= 300 AND m.shortfall > 0
    GROUP BY q.system_id, q.neighbour_id
) asked ON asked.system_id = p.system_id AND asked.neighbour_id = p.neighbour_id
GROUP BY
    i.system_id, i.station_id, i.name, i.latitude, i.longitude, i.capacity, i.vehicles_available, i.docks_available,
    i.local_hour_of_week, i.local_hour, i.hour_of_week, i.is_stale, i.fetched_at, i.status_at, i.usual_taken, i.share_observed,
    i.need, i.shortfall, i.dock_shortfall
