-- kinds of bots, with (none) for humans; visitor_days adds up each day's distinct visitors
SELECT site, value AS bot, sum(hits) AS hits, sum(visitors) AS visitor_days
FROM analytics.breakdown_daily
WHERE dimension = 'bot'
GROUP BY site, value
ORDER BY site, value = '(other)', hits DESC, value
LIMIT 100 BY site
