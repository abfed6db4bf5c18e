-- One row per cell of the area sets that are in use: `JOIN current_area_cells c ON c.cell = …` finds the area of a place.
SELECT
    c.area_set,
    c.cell,
    c.area_id
FROM area_sets s
JOIN area_cells c ON c.area_set = s.area_set AND c.fetched_at = s.fetched_at
