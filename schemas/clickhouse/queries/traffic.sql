-- traffic of each day, humans and bots apart
SELECT toDate(window_start) AS day, site, audience, hits, bytes, visitors
FROM analytics.traffic_daily
ORDER BY day, site, audience
