-- What people ask: the newest revision of each key, and all ingests added up.
CREATE OR REPLACE VIEW analytics.traffic_hourly AS
SELECT r.site AS site, r.window_start AS window_start, r.audience AS audience,
       sum(r.hits) AS hits, sum(r.bytes) AS bytes, sum(r.visitors) AS visitors
FROM analytics.traffic_hourly_revisions AS r FINAL
GROUP BY r.site, r.window_start, r.audience;

CREATE OR REPLACE VIEW analytics.traffic_daily AS
SELECT r.site AS site, r.window_start AS window_start, r.audience AS audience,
       sum(r.hits) AS hits, sum(r.bytes) AS bytes, sum(r.visitors) AS visitors
FROM analytics.traffic_daily_revisions AS r FINAL
GROUP BY r.site, r.window_start, r.audience;

CREATE OR REPLACE VIEW analytics.breakdown_hourly AS
SELECT r.site AS site, r.window_start AS window_start, r.dimension AS dimension, r.value AS value,
       sum(r.hits) AS hits, sum(r.visitors) AS visitors
FROM analytics.breakdown_hourly_revisions AS r FINAL
GROUP BY r.site, r.window_start, r.dimension, r.value;

CREATE OR REPLACE VIEW analytics.breakdown_daily AS
SELECT r.site AS site, r.window_start AS window_start, r.dimension AS dimension, r.value AS value,
       sum(r.hits) AS hits, sum(r.visitors) AS visitors
FROM analytics.breakdown_daily_revisions AS r FINAL
GROUP BY r.site, r.window_start, r.dimension, r.value;
