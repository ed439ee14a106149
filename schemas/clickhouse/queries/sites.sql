-- sites, since when and until when they have traffic
SELECT site, min(window_start) AS first_hour, max(window_start) AS last_hour, sum(hits) AS hits
FROM analytics.traffic_hourly
GROUP BY site
ORDER BY site
