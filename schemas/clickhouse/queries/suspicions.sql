-- what people's visits are suspect of, with (bot) for bots; visitor_days adds up each day's distinct visitors
SELECT site, value AS suspicion, sum(hits) AS hits, sum(visitors) AS visitor_days
FROM analytics.breakdown_daily
WHERE dimension = 'suspicion'
GROUP BY site, value
ORDER BY site, value = '(other)', hits DESC, value
LIMIT 100 BY site
