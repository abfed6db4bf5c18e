-- One row per flight that arrives, however many numbers it is sold under. A code-share is left out where another number of the
-- same airport, time and origin (and aircraft, where both tell it) is that of the operator, or is another code-share and lesser.
SELECT
    f.arrival_icao,
    f.scheduled_at,
    f.flight_number,
    f.hour_at,
    f.arrival_on,
    f.departure_icao,
    f.departure_name,
    f.airline_code,
    f.airline_name,
    f.status,
    -- 1 if it will not arrive here, or may not: Canceled, CanceledUncertain or Diverted
    CASE WHEN f.status IN ('Canceled', 'CanceledUncertain', 'Diverted') THEN 1 ELSE 0 END AS is_cancelled,
    f.revised_at,
    f.actual_at,
    f.terminal,
    f.aircraft,
    f.registration,
    f.is_cargo
FROM flights f
WHERE f.is_codeshare = 0 OR NOT EXISTS (
    SELECT 1
    FROM flights o
    WHERE o.arrival_icao = f.arrival_icao
        AND o.scheduled_at = f.scheduled_at
        AND COALESCE(o.departure_icao, o.departure_name, '') = COALESCE(f.departure_icao, f.departure_name, '')
        AND (o.registration = f.registration OR o.registration IS NULL OR f.registration IS NULL)
        AND (o.is_codeshare = 0 OR o.flight_number < f.flight_number)
)
