-- search, AI, mail, social, direct, internal and other referrers; visitor_days adds up each day's distinct visitors
SELECT site, value AS referrer_kind, sum(hits) AS hits, sum(visitors) AS visitor_days
FROM analytics.breakdown_daily
WHERE dimension = 'referrer_kind'
GROUP BY site, value
ORDER BY site, value = '(other)', hits DESC, value
LIMIT 100 BY site
