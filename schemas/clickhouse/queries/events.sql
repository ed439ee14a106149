-- what the chat widgets of the sites logged; message_by_visitor and message_by_agent are messages; visitor_days adds up each day's distinct visitors
SELECT site, value AS event, sum(hits) AS hits, sum(visitors) AS visitor_days
FROM analytics.breakdown_daily
WHERE dimension = 'event' AND site LIKE '%.widget'
GROUP BY site, value
ORDER BY site, value = '(other)', hits DESC, value
LIMIT 100 BY site
