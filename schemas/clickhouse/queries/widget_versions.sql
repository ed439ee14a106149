-- versions of the chat widgets in use; visitor_days adds up each day's distinct visitors
SELECT site, value AS widget_version, sum(hits) AS hits, sum(visitors) AS visitor_days
FROM analytics.breakdown_daily
WHERE dimension = 'widget_version' AND site LIKE '%.widget'
GROUP BY site, value
ORDER BY site, value = '(other)', hits DESC, value
LIMIT 100 BY site
