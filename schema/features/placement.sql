-- The stations of a system that give vehicles and whose place is known: what is there, what is usual in this hour, what is lacking.
SELECT
    station_id,
    name,
    latitude,
    longitude,
    vehicles_available,
    local_hour_of_week,
    usual_taken,
    share_observed,
    deficit,
    status_at AS data_at,
    fetched_at AS known_at
FROM station_deficits
WHERE system_id = :scope AND fetched_at <= :as_of AND latitude IS NOT NULL AND longitude IS NOT NULL
