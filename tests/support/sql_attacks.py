"""Statements that a reader of the tables must not get an answer to.

``{path}`` stands for a file whose content is ``CANARY``; beside it nothing may come to be.
"""

from __future__ import annotations

from typing import Final

CANARY: Final = "1,gelber-vogel"

WRITES: Final = r"""
INSERT INTO analytics.ingests (ingest, origin) VALUES ('x', 1)
INSERT INTO analytics.ingests (ingest, origin) SELECT 'x', 1
WITH 1 AS x INSERT INTO analytics.ingests (ingest, origin) SELECT 'x', x
DROP TABLE analytics.ingests
ALTER TABLE analytics.ingests DELETE WHERE 1
CREATE TABLE analytics.mine (a Int8) ENGINE = Memory
CREATE TEMPORARY TABLE mine (a Int8)
CREATE FUNCTION f AS () -> 1
ATTACH TABLE x FROM '/tmp'
SYSTEM FLUSH LOGS
KILL QUERY WHERE 1
SET readonly = 0
USE system
SELECT 1 SETTINGS readonly = 0
SELECT 1; DROP TABLE analytics.ingests
SELECT 1; SELECT 2
SELECT 1 /* /* */ ; DROP TABLE analytics.ingests */
EXPLAIN AST SELECT 1; DROP TABLE analytics.ingests
SELECT 1 AS a$b$; INSERT INTO analytics.ingests (ingest, origin) VALUES ('x', 1) -- $b$
SELECT 1 AS a$b$; KILL QUERY WHERE 1 -- $b$
SELECT 1 PARALLEL WITH SELECT 2
""".strip().splitlines()

REACHES: Final = r"""
SELECT * FROM file('{path}', 'CSV', 'a Int64, b String')
SELECT file('{path}')
SELECT "file"('{path}')
SELECT `file`('{path}')
SELECT FILE('{path}')
SELECT file /* a call all the same */ ('{path}')
SELECT * APPLY(file) FROM (SELECT '{path}')
SELECT * APPLY file FROM (SELECT '{path}')
SELECT * APPLY(x -> file(x)) FROM (SELECT '{path}')
SELECT COLUMNS('.') APPLY(file) FROM (SELECT '{path}')
SELECT * REPLACE (file('{path}') AS a) FROM (SELECT 1 AS a)
SELECT arrayMap(file, ['{path}'])
SELECT arrayMap(x -> file(x), ['{path}'])
SELECT 1file('{path}')
WITH file('{path}') AS x SELECT x
EXPLAIN SELECT file('{path}')
DESCRIBE file('{path}')
DESCRIBE (SELECT file('{path}'))
DESCRIBE '{path}'
SELECT * FROM '{path}'
SELECT * FROM `{path}`
SELECT * FROM default.`{path}`
SELECT (1, 'gelber-vogel') IN default.`{path}`
SELECT * FROM eval('SELECT file(''{path}'')')
SELECT * FROM viewExplain('', '', (SELECT file('{path}')))
SELECT * FROM view(SELECT file('{path}'))
SELECT * FROM executable('cat {path}', 'CSV', 'a Int64')
SELECT sum(1) OVER (ORDER BY 1 ROWS BETWEEN toInt32(file('{path}')) PRECEDING AND CURRENT ROW)
SELECT 1 ORDER BY 1 WITH FILL FROM 1 TO toInt32(file('{path}'))
SELECT 1 AS a ORDER BY a WITH FILL INTERPOLATE (a AS file('{path}'))
SELECT 1 LIMIT length(file('{path}'))
SHOW TABLES FROM analytics WHERE file('{path}') = '1'
SHOW COLUMNS FROM analytics.ingests WHERE file('{path}') = '1'
EXPLAIN TABLE OVERRIDE file('{path}') PARTITION BY 1
SELECT 1 AS a$b$, hex(file('{path}')) AS x$b$
SELECT 1 AS a$b$, file('{path}') AS x$b$
SELECT 1 AS a$$, file('{path}') AS x$$
SELECT 1 AS $b$, file('{path}') AS x$b$
SELECT 1$b$, file('{path}') AS x$b$
SELECT 1 AS é$b$, file('{path}') AS x$b$
SELECT 1 AS a$b$, sleep(3) AS x$b$
SELECT 1 AS a$b$ UNION ALL SELECT file('{path}') -- $b$
SELECT x'\', file('{path}') --'
SELECT 'x' AS a$b$ INTO OUTFILE '{path}.out' APPEND -- $b$
SELECT 1 INTO OUTFILE '{path}.out'
SELECT 1 INTO OUTFILE '{path}.out' FORMAT CSV
SELECT 1 INTO OUTFILE '{path}.out' AND STDOUT
SELECT 1 INTO /**/ OUTFILE '{path}.out'
EXPLAIN SELECT 1 INTO OUTFILE '{path}.out'
DESCRIBE analytics.ingests INTO OUTFILE '{path}.out'
SHOW TABLES FROM analytics INTO OUTFILE '{path}.out'
SELECT * FROM url('http://127.0.0.1:9/x', 'CSV', 'a Int64')
DESCRIBE url('http://127.0.0.1:9/x')
SELECT * FROM remote('127.0.0.1:9', system.one)
SELECT hasColumnInTable('127.0.0.1', 'system', 'one', 'dummy')
SELECT reverseDNSQuery('127.0.0.1')
SELECT * FROM (SELECT sleep(3))
""".strip().splitlines()
"""The lexer alone refuses each of them, or the engine's read-only mode; so does the tree alone."""

ELSEWHERE: Final = r"""
SELECT query FROM system.processes
SELECT 'x' IN system.processes
SELECT 1 IN (SELECT query FROM system.processes)
SELECT * FROM merge('system', 'processes')
SELECT * FROM loop(system.processes)
SELECT * FROM information_schema.tables
SHOW PROCESSLIST
SHOW CREATE TABLE system.one
SHOW TABLES FROM analytics WHERE name = 'ingests'
SELECT * APPLY(toString) FROM (SELECT 1)
SELECT 1 FROM analytics.ingests STREAM
SELECT dictGet('a', 'b', 1)
SELECT joinGet('analytics.ingests', 'origin', 'x')
SELECT arrayMap(hostName, [1])
SELECT currentUser()
SELECT getSetting('readonly')
SELECT {x:String}
""".strip().splitlines()
"""What only the tree tells: it reaches no file, but no table of ours either."""
