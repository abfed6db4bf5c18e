-- One row per area of the area sets that are in use.
SELECT
    a.area_set,
    a.area_id,
    a.name,
    a.latitude,
    a.longitude,
    s.timezone,
    s.city_id,
    a.outline
FROM area_sets s
JOIN areas a ON a.area_set = s.area_set AND a.fetched_at = s.fetched_at
