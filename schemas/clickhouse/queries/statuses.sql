-- HTTP statuses answered; visitor_days adds up each day's distinct visitors
SELECT site, value AS status, sum(hits) AS hits, sum(visitors) AS visitor_days
FROM analytics.breakdown_daily
WHERE dimension = 'status'
GROUP BY site, value
ORDER BY site, value = '(other)', hits DESC, value
LIMIT 100 BY site
