-- What people do apart from what their browsers fetch, what failed and what bots ask, and two things
-- at a time. Same ways as in 0001: a row is replaced by a newer revision of its key.
CREATE TABLE IF NOT EXISTS analytics.segment_hourly_revisions
(
    site         LowCardinality(String)        COMMENT 'name the operator gave the site',
    window_start DateTime('UTC')               COMMENT 'start of the hour, UTC',
    segment      LowCardinality(String)        COMMENT 'view, request, failed or bot',
    hits         UInt64                        COMMENT 'requests of the window',
    bytes        UInt64                        COMMENT 'bytes of the bodies sent',
    visitors     UInt64                        COMMENT 'distinct visitors; never fewer than the k of the policy',
    ingest       LowCardinality(String)        COMMENT 'live, or the id of a backfill; ingests add up',
    revision     UInt64                        COMMENT 'grows with each release of the key; the highest counts',
    released_at  DateTime('UTC') DEFAULT now() COMMENT 'when the row arrived here; retention counts from it'
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(window_start)
ORDER BY (site, window_start, segment, ingest)
TTL released_at + toIntervalDay({rollups_days})
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'segments of the traffic of an hour, every revision that was released';

CREATE TABLE IF NOT EXISTS analytics.segment_daily_revisions
(
    site         LowCardinality(String)        COMMENT 'name the operator gave the site',
    window_start DateTime('UTC')               COMMENT 'start of the day, UTC',
    segment      LowCardinality(String)        COMMENT 'view, request, failed or bot',
    hits         UInt64                        COMMENT 'requests of the window',
    bytes        UInt64                        COMMENT 'bytes of the bodies sent',
    visitors     UInt64                        COMMENT 'distinct visitors; never fewer than the k of the policy',
    ingest       LowCardinality(String)        COMMENT 'live, or the id of a backfill; ingests add up',
    revision     UInt64                        COMMENT 'grows with each release of the key; the highest counts',
    released_at  DateTime('UTC') DEFAULT now() COMMENT 'when the row arrived here; retention counts from it'
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(window_start)
ORDER BY (site, window_start, segment, ingest)
TTL released_at + toIntervalDay({rollups_days})
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'segments of the traffic of a day, every revision that was released';

CREATE TABLE IF NOT EXISTS analytics.segment_breakdown_hourly_revisions
(
    site         LowCardinality(String)        COMMENT 'name the operator gave the site',
    window_start DateTime('UTC')               COMMENT 'start of the hour, UTC',
    segment      LowCardinality(String)        COMMENT 'view, request, failed or bot',
    dimension    LowCardinality(String)        COMMENT 'page, referrer, browser, status, …',
    value        String                        COMMENT 'value of the dimension; (other) adds up the small ones',
    hits         UInt64                        COMMENT 'requests of the window',
    visitors     UInt64                        COMMENT 'distinct visitors; never fewer than the k of the policy',
    ingest       LowCardinality(String)        COMMENT 'live, or the id of a backfill; ingests add up',
    revision     UInt64                        COMMENT 'grows with each release of the key; the highest counts',
    released_at  DateTime('UTC') DEFAULT now() COMMENT 'when the row arrived here; retention counts from it'
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(window_start)
ORDER BY (site, segment, dimension, window_start, value, ingest)
TTL released_at + toIntervalDay({rollups_days})
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'breakdowns of the segments of an hour, every revision that was released';

CREATE TABLE IF NOT EXISTS analytics.segment_breakdown_daily_revisions
(
    site         LowCardinality(String)        COMMENT 'name the operator gave the site',
    window_start DateTime('UTC')               COMMENT 'start of the day, UTC',
    segment      LowCardinality(String)        COMMENT 'view, request, failed or bot',
    dimension    LowCardinality(String)        COMMENT 'page, referrer, browser, status, …',
    value        String                        COMMENT 'value of the dimension; (other) adds up the small ones',
    hits         UInt64                        COMMENT 'requests of the window',
    visitors     UInt64                        COMMENT 'distinct visitors; never fewer than the k of the policy',
    ingest       LowCardinality(String)        COMMENT 'live, or the id of a backfill; ingests add up',
    revision     UInt64                        COMMENT 'grows with each release of the key; the highest counts',
    released_at  DateTime('UTC') DEFAULT now() COMMENT 'when the row arrived here; retention counts from it'
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(window_start)
ORDER BY (site, segment, dimension, window_start, value, ingest)
TTL released_at + toIntervalDay({rollups_days})
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'breakdowns of the segments of a day, every revision that was released';

CREATE TABLE IF NOT EXISTS analytics.pair_daily_revisions
(
    site         LowCardinality(String)        COMMENT 'name the operator gave the site',
    window_start DateTime('UTC')               COMMENT 'start of the day, UTC',
    segment      LowCardinality(String)        COMMENT 'view, request, failed or bot',
    dimension    LowCardinality(String)        COMMENT 'page, referrer, browser, …; segment for all rows of the segment',
    value        String                        COMMENT 'value of the dimension, or (other)',
    across       LowCardinality(String)        COMMENT 'role, next_page, referrer_kind, …',
    across_value     String                        COMMENT 'its value; (other) adds up what is not shown of the first value',
    hits         UInt64                        COMMENT 'requests of the window',
    visitors     UInt64                        COMMENT 'distinct visitors; never fewer than the k of the policy',
    seconds      UInt64                        COMMENT 'how long the visits lasted that began with these requests',
    ingest       LowCardinality(String)        COMMENT 'live, or the id of a backfill; ingests add up',
    revision     UInt64                        COMMENT 'grows with each release of the key; the highest counts',
    released_at  DateTime('UTC') DEFAULT now() COMMENT 'when the row arrived here; retention counts from it'
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(window_start)
ORDER BY (site, segment, dimension, across, window_start, value, across_value, ingest)
TTL released_at + toIntervalDay({rollups_days})
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'two things at a time, of a day as it closed, every revision that was released';

CREATE OR REPLACE VIEW analytics.segment_hourly AS
SELECT r.site AS site, r.window_start AS window_start, r.segment AS segment,
       sum(r.hits) AS hits, sum(r.bytes) AS bytes, sum(r.visitors) AS visitors
FROM analytics.segment_hourly_revisions AS r FINAL
GROUP BY r.site, r.window_start, r.segment;

CREATE OR REPLACE VIEW analytics.segment_daily AS
SELECT r.site AS site, r.window_start AS window_start, r.segment AS segment,
       sum(r.hits) AS hits, sum(r.bytes) AS bytes, sum(r.visitors) AS visitors
FROM analytics.segment_daily_revisions AS r FINAL
GROUP BY r.site, r.window_start, r.segment;

CREATE OR REPLACE VIEW analytics.segment_breakdown_hourly AS
SELECT r.site AS site, r.window_start AS window_start, r.segment AS segment,
       r.dimension AS dimension, r.value AS value,
       sum(r.hits) AS hits, sum(r.visitors) AS visitors
FROM analytics.segment_breakdown_hourly_revisions AS r FINAL
GROUP BY r.site, r.window_start, r.segment, r.dimension, r.value;

CREATE OR REPLACE VIEW analytics.segment_breakdown_daily AS
SELECT r.site AS site, r.window_start AS window_start, r.segment AS segment,
       r.dimension AS dimension, r.value AS value,
       sum(r.hits) AS hits, sum(r.visitors) AS visitors
FROM analytics.segment_breakdown_daily_revisions AS r FINAL
GROUP BY r.site, r.window_start, r.segment, r.dimension, r.value;

CREATE OR REPLACE VIEW analytics.pair_daily AS
SELECT r.site AS site, r.window_start AS window_start, r.segment AS segment,
       r.dimension AS dimension, r.value AS value, r.across AS across, r.across_value AS across_value,
       sum(r.hits) AS hits, sum(r.visitors) AS visitors, sum(r.seconds) AS seconds
FROM analytics.pair_daily_revisions AS r FINAL
GROUP BY r.site, r.window_start, r.segment, r.dimension, r.value, r.across, r.across_value;
