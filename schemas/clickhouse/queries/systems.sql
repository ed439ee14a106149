-- operating systems by family; visitor_days adds up each day's distinct visitors
SELECT site, value AS system, sum(hits) AS hits, sum(visitors) AS visitor_days
FROM analytics.breakdown_daily
WHERE dimension = 'system'
GROUP BY site, value
ORDER BY site, value = '(other)', hits DESC, value
LIMIT 100 BY site
