-- The hour that is going on, in steps of minutes: live traffic alone. A step is told once and never
-- changed, and gone after a month: its hour has it too.
CREATE TABLE IF NOT EXISTS analytics.health_minute_revisions
(
    site         LowCardinality(String)        COMMENT 'name the operator gave the site',
    window_start DateTime('UTC')               COMMENT 'start of the step, UTC',
    minutes      UInt8                         COMMENT 'how many minutes the step spans, within one hour',
    segment      LowCardinality(String)        COMMENT 'view, request, failed or bot',
    status_class LowCardinality(String)        COMMENT '1xx to 5xx, or (none) where there is no status',
    hits         UInt64                        COMMENT 'requests of the step',
    bytes        UInt64                        COMMENT 'bytes of the bodies sent',
    visitors     UInt64                        COMMENT 'distinct visitors; never fewer than the k of the policy',
    ingest       LowCardinality(String)        COMMENT 'live',
    revision     UInt64                        COMMENT '1: a step is never revised',
    released_at  DateTime('UTC') DEFAULT now() COMMENT 'when the row arrived here; retention counts from it'
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(window_start)
ORDER BY (site, window_start, segment, status_class, ingest)
TTL released_at + toIntervalDay(least(30, {rollups_days}))
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'steps of minutes of the hour that is going on, of live traffic';

CREATE OR REPLACE VIEW analytics.health_minute AS
SELECT r.site AS site, r.window_start AS window_start, r.minutes AS minutes,
       r.segment AS segment, r.status_class AS status_class,
       sum(r.hits) AS hits, sum(r.bytes) AS bytes, sum(r.visitors) AS visitors
FROM analytics.health_minute_revisions AS r FINAL
GROUP BY r.site, r.window_start, r.minutes, r.segment, r.status_class;
