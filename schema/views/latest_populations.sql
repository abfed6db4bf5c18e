-- One row per city: its newest population figure, and the year it is of (0 where the page does not tell).
SELECT p.city_id, c.name AS city, p.as_of_year, p.population
FROM city_populations p
JOIN cities c ON c.city_id = p.city_id
WHERE p.as_of_year = (SELECT MAX(newer.as_of_year) FROM city_populations newer WHERE newer.city_id = p.city_id)
