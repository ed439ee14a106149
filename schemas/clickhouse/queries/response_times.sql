-- how long answers to people took, in classes; hits under (other) are of any class
SELECT site, value AS response_time, sum(hits) AS hits
FROM analytics.segment_breakdown_daily
WHERE dimension = 'response_time' AND segment != 'bot'
GROUP BY site, value
ORDER BY site, value = '(other)', value
