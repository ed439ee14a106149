-- How long the answers of a step took (health_minute): its requests by ranges of response times, which
-- add up to the step. Told with it and never changed.
CREATE TABLE IF NOT EXISTS analytics.response_time_minute_revisions
(
    site          LowCardinality(String)        COMMENT 'name the operator gave the site',
    window_start  DateTime('UTC')               COMMENT 'start of the step by the clock of the site, marked as UTC',
    minutes       UInt8                         COMMENT 'how many minutes the step spans, within one hour',
    segment       LowCardinality(String)        COMMENT 'view, request, failed or bot',
    status_class  LowCardinality(String)        COMMENT '1xx to 5xx, or (none) where there is no status',
    response_time LowCardinality(String)        COMMENT 'range of classes, as 0.1-0.5 s or from 0.5 s; (none) where the log does not say',
    hits          UInt64                        COMMENT 'requests of the step in this range',
    visitors      UInt64                        COMMENT 'distinct visitors; never fewer than the k of the policy',
    ingest        LowCardinality(String)        COMMENT 'live',
    revision      UInt64                        COMMENT '1: a step is never revised',
    released_at   DateTime('UTC') DEFAULT now() COMMENT 'when the row arrived here; retention counts from it'
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(window_start)
ORDER BY (site, window_start, segment, status_class, response_time, ingest)
TTL released_at + toIntervalDay(least(30, {rollups_days}))
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'response times of steps of minutes, in ranges';

CREATE OR REPLACE VIEW analytics.response_time_minute AS
SELECT r.site AS site, r.window_start AS window_start, r.minutes AS minutes,
       r.segment AS segment, r.status_class AS status_class, r.response_time AS response_time,
       sum(r.hits) AS hits, sum(r.visitors) AS visitors
FROM analytics.response_time_minute_revisions AS r FINAL
GROUP BY r.site, r.window_start, r.minutes, r.segment, r.status_class, r.response_time;
