-- campaigns of the links that were followed: source / medium / name; visitor_days adds up each day's distinct visitors
SELECT site, value AS campaign, sum(hits) AS hits, sum(visitors) AS visitor_days
FROM analytics.breakdown_daily
WHERE dimension = 'campaign'
GROUP BY site, value
ORDER BY site, value = '(other)', hits DESC, value
LIMIT 100 BY site
