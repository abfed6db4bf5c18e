-- The archive of station statuses as a table of Amazon Athena: the columns of its Parquet files, with what they mean.
-- Put the name of the bucket in place of BUCKET. Nothing has to be loaded or crawled: where the files are follows from the query,
-- which must name the system:
--   SELECT station_id, avg(vehicles_available) FROM station_status
--   WHERE system_id = 'velib' AND "date" BETWEEN '2026-11-16' AND '2026-11-22' GROUP BY station_id
CREATE EXTERNAL TABLE station_status (
    `station_id` string COMMENT 'the station, by the system''s own id',
    `slot_at` timestamp COMMENT 'the minute for which it was asked (UTC)',
    `fetched_at` timestamp COMMENT 'when the upstream said so (UTC)',
    `vehicles_available` int COMMENT 'vehicles that can be taken; null where it is not told',
    `vehicles_disabled` int COMMENT 'vehicles there that cannot be taken; null where it is not told',
    `docks_available` int COMMENT 'places where one can be returned; null where it is not told',
    `docks_disabled` int COMMENT 'places that are out of order; null where it is not told',
    `is_installed` boolean COMMENT 'whether the station is on the street; null where it is not told',
    `is_renting` boolean COMMENT 'whether it gives vehicles; null where it is not told',
    `is_returning` boolean COMMENT 'whether it takes them back; null where it is not told',
    `feed_updated_at` timestamp COMMENT 'when the feed says that it was renewed (UTC)',
    `is_stale` boolean COMMENT 'whether the feed was old when it was fetched, or its clock is wrong',
    `hour_of_week` smallint COMMENT 'the hour of fetched_at in the system''s own zone; 0 is Monday 00:00',
    `vehicles_by_type` map<string,int> COMMENT 'how many of vehicles_available are of which type; null where it is not told',
    `reported_ago_s` int COMMENT 'how long before slot_at the station itself reported last, s; below 0 where it was after it'
)
PARTITIONED BY (
    `system_id` string COMMENT 'the system',
    `date` string COMMENT 'the date of slot_at (UTC)'
)
STORED AS PARQUET
LOCATION 's3://BUCKET/archive/station_status/'
TBLPROPERTIES (
    'projection.enabled' = 'true',
    'projection.system_id.type' = 'injected',
    'projection.date.type' = 'date',
    'projection.date.format' = 'yyyy-MM-dd',
    'projection.date.range' = '2026-01-01,NOW',
    'storage.location.template' = 's3://BUCKET/archive/station_status/system_id=${system_id}/date=${date}/'
);
