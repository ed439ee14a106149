-- traffic of each hour, humans and bots apart
SELECT window_start, site, audience, hits, bytes, visitors
FROM analytics.traffic_hourly
ORDER BY window_start, site, audience
