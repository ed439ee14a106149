-- ingests that have released their last row
SELECT ingest, uniqExact(origin) AS partitions, max(finished_at) AS finished
FROM analytics.ingests
GROUP BY ingest
ORDER BY finished, ingest
