-- Where are riders short of a vehicle now?
-- Vehicles that the hour wants and that neither the station nor its neighbours within 300 m have, by the newest status.
SELECT
    system_id,
    name AS station,
    vehicles_available,
    ROUND(need, 1) AS need,
    ROUND(served_by_neighbours, 1) AS served_by_neighbours,
    ROUND(deficit, 1) AS deficit
FROM station_deficits
WHERE deficit > 0
ORDER BY deficit DESC, system_id, station_id
LIMIT 20;
