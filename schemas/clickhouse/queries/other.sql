-- what is folded into (other): its share of the hits in each dimension
SELECT site, dimension, other_hits, all_hits AS hits,
       round(100 * other_hits / all_hits, 1) AS percent
FROM
(
    SELECT site, dimension, sumIf(b.hits, value = '(other)') AS other_hits, sum(b.hits) AS all_hits
    FROM analytics.breakdown_daily AS b
    GROUP BY site, dimension
)
ORDER BY site, percent DESC, dimension
