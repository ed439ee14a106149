-- What was released, revision upon revision. A row is replaced by a newer revision of its key,
-- never added to, so a message that is loaded twice changes nothing.
CREATE DATABASE IF NOT EXISTS analytics;

CREATE TABLE IF NOT EXISTS analytics.traffic_hourly_revisions
(
    site         LowCardinality(String) COMMENT 'name the operator gave the site',
    window_start DateTime('UTC')        COMMENT 'start of the hour, UTC',
    audience     LowCardinality(String) COMMENT 'human or bot',
    hits         UInt64                 COMMENT 'requests of the window',
    bytes        UInt64                 COMMENT 'bytes of the bodies sent',
    visitors     UInt64                 COMMENT 'distinct visitors; never fewer than the k of the policy',
    ingest       LowCardinality(String) COMMENT 'live, or the id of a backfill; ingests add up',
    revision     UInt64                 COMMENT 'grows with each release of the key; the highest counts',
    released_at  DateTime('UTC') DEFAULT now() COMMENT 'when the row arrived here; retention counts from it'
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(window_start)
ORDER BY (site, window_start, audience, ingest)
TTL released_at + toIntervalDay({rollups_days})
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'traffic of an hour, every revision that was released';

CREATE TABLE IF NOT EXISTS analytics.traffic_daily_revisions
(
    site         LowCardinality(String) COMMENT 'name the operator gave the site',
    window_start DateTime('UTC')        COMMENT 'start of the day, UTC',
    audience     LowCardinality(String) COMMENT 'human or bot',
    hits         UInt64                 COMMENT 'requests of the window',
    bytes        UInt64                 COMMENT 'bytes of the bodies sent',
    visitors     UInt64                 COMMENT 'distinct visitors; never fewer than the k of the policy',
    ingest       LowCardinality(String) COMMENT 'live, or the id of a backfill; ingests add up',
    revision     UInt64                 COMMENT 'grows with each release of the key; the highest counts',
    released_at  DateTime('UTC') DEFAULT now() COMMENT 'when the row arrived here; retention counts from it'
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(window_start)
ORDER BY (site, window_start, audience, ingest)
TTL released_at + toIntervalDay({rollups_days})
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'traffic of a day, every revision that was released';

CREATE TABLE IF NOT EXISTS analytics.breakdown_hourly_revisions
(
    site         LowCardinality(String) COMMENT 'name the operator gave the site',
    window_start DateTime('UTC')        COMMENT 'start of the hour, UTC',
    dimension    LowCardinality(String) COMMENT 'page, referrer, browser, status, …',
    value        String                 COMMENT 'value of the dimension; (other) adds up the small ones',
    hits         UInt64                 COMMENT 'requests of the window',
    visitors     UInt64                 COMMENT 'distinct visitors; never fewer than the k of the policy',
    ingest       LowCardinality(String) COMMENT 'live, or the id of a backfill; ingests add up',
    revision     UInt64                 COMMENT 'grows with each release of the key; the highest counts',
    released_at  DateTime('UTC') DEFAULT now() COMMENT 'when the row arrived here; retention counts from it'
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(window_start)
ORDER BY (site, dimension, window_start, value, ingest)
TTL released_at + toIntervalDay({rollups_days})
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'breakdowns of an hour, every revision that was released';

CREATE TABLE IF NOT EXISTS analytics.breakdown_daily_revisions
(
    site         LowCardinality(String) COMMENT 'name the operator gave the site',
    window_start DateTime('UTC')        COMMENT 'start of the day, UTC',
    dimension    LowCardinality(String) COMMENT 'page, referrer, browser, status, …',
    value        String                 COMMENT 'value of the dimension; (other) adds up the small ones',
    hits         UInt64                 COMMENT 'requests of the window',
    visitors     UInt64                 COMMENT 'distinct visitors; never fewer than the k of the policy',
    ingest       LowCardinality(String) COMMENT 'live, or the id of a backfill; ingests add up',
    revision     UInt64                 COMMENT 'grows with each release of the key; the highest counts',
    released_at  DateTime('UTC') DEFAULT now() COMMENT 'when the row arrived here; retention counts from it'
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(window_start)
ORDER BY (site, dimension, window_start, value, ingest)
TTL released_at + toIntervalDay({rollups_days})
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'breakdowns of a day, every revision that was released';

CREATE TABLE IF NOT EXISTS analytics.ingests
(
    ingest      LowCardinality(String) COMMENT 'live, or the id of a backfill',
    origin      UInt32                 COMMENT 'partition whose last row of the ingest has been released',
    finished_at DateTime('UTC') DEFAULT now() COMMENT 'when that arrived here'
)
ENGINE = ReplacingMergeTree(finished_at)
ORDER BY (ingest, origin)
TTL finished_at + toIntervalDay({rollups_days})
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'which ingests have released their last row, and from which partitions';
