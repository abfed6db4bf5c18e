-- Which source is late?
-- Now is the newest slot of any source; a source is late when its last good run no longer keeps it fresh.
WITH runs AS (
    SELECT source, MAX(slot_at) AS last_slot_at FROM collection_runs GROUP BY source
),
good_runs AS (
    SELECT
        r.source,
        r.last_slot_at,
        (
            SELECT g.slot_at
            FROM collection_runs g
            WHERE g.source = r.source AND g.stale_at IS NOT NULL
            ORDER BY g.source DESC, g.slot_at DESC  -- as the key goes: the last runs alone are read
            LIMIT 1
        ) AS last_good_slot_at
    FROM runs r
)
SELECT
    r.source,
    r.last_slot_at,
    r.last_good_slot_at,
    MAX(g.stale_at) AS stale_at,
    CASE WHEN MAX(g.stale_at) > (SELECT MAX(last_slot_at) FROM runs) THEN 0 ELSE 1 END AS is_late
FROM good_runs r
LEFT JOIN collection_runs g ON g.source = r.source AND g.slot_at = r.last_good_slot_at
GROUP BY r.source, r.last_slot_at, r.last_good_slot_at
ORDER BY is_late DESC, stale_at, r.source;
