-- One row per source: its last run, its last run that brought data, and until when that keeps it fresh (UTC).
SELECT
    source,
    -- the scheduled time of the last run (UTC)
    MAX(slot_at) AS last_slot_at,
    -- of the last run that brought data (UTC)
    MAX(CASE WHEN stale_at IS NOT NULL THEN slot_at END) AS last_good_slot_at,
    -- until when the data counts as fresh (UTC)
    MAX(stale_at) AS stale_at,
    -- landed parts, of all attempts
    COUNT(*) AS runs,
    -- of these, how many gave nothing
    SUM(CASE WHEN status = 'failed' THEN 1 ELSE 0 END) AS failed_runs,
    -- rows that the answers gave, over all runs
    SUM(rows_offered) AS rows_offered,
    -- items and answers refused, over all runs
    SUM(rows_rejected) AS rows_rejected
FROM collection_runs
GROUP BY source
