-- lengths of messages, waits, ratings, errors and links to other sites, of the widgets; visitor_days adds up each day's distinct visitors
SELECT site, value AS detail, sum(hits) AS hits, sum(visitors) AS visitor_days
FROM analytics.breakdown_daily
WHERE dimension = 'detail' AND site LIKE '%.widget'
GROUP BY site, value
ORDER BY site, value = '(other)', hits DESC, value
LIMIT 100 BY site
