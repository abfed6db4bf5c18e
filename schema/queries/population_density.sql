-- Where do the most people live on a square kilometre?
SELECT c.name AS city, p.population, p.as_of_year, c.area_km2, ROUND(p.population / c.area_km2) AS people_per_km2
FROM latest_populations p
JOIN cities c ON c.city_id = p.city_id
WHERE c.is_watched = 1 AND c.area_km2 > 0
ORDER BY people_per_km2 DESC, city;
