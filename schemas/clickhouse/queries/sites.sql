-- sites, since when and until when they have traffic; the hours count where a day is still open
SELECT site, min(first_hour) AS first_hour, max(last_hour) AS last_hour, sum(hits) AS hits
FROM
(
    SELECT t.site AS site, t.day AS day, max(t.hits) AS hits,
           coalesce(min(t.first_hour), toDateTime(t.day)) AS first_hour,
           coalesce(max(t.last_hour), toDateTime(t.day)) AS last_hour
    FROM
    (
        SELECT site, toDate(window_start) AS day, sum(hits) AS hits,
               min(window_start) AS first_hour, max(window_start) AS last_hour
        FROM analytics.traffic_hourly
        GROUP BY site, day
        UNION ALL
        SELECT site, toDate(window_start) AS day, sum(hits) AS hits,
               NULL AS first_hour, NULL AS last_hour
        FROM analytics.traffic_daily
        GROUP BY site, day
    ) AS t
    GROUP BY t.site, t.day
)
GROUP BY site
ORDER BY site
