-- Everything MySQL can say about the rows of one shard: the gate relays it as it is.
-- @table accounts id xxhash
-- @table entries account_id xxhash

CREATE TABLE accounts (id int NOT NULL PRIMARY KEY, owner varchar(20) NOT NULL, parent int DEFAULT NULL);
CREATE TABLE entries (account_id int NOT NULL, n int NOT NULL, amount decimal(8,2), note varchar(30), at datetime, PRIMARY KEY (account_id, n));
INSERT INTO accounts VALUES (1, 'ann', NULL);
INSERT INTO accounts VALUES (2, 'bob', 1);
INSERT INTO entries VALUES (1, 1, 10.00, 'start', '2024-01-01'), (1, 2, -2.50, 'coffee', '2024-01-02'), (1, 3, -2.50, 'tea', '2024-01-02'), (1, 4, NULL, NULL, NULL), (1, 5, 100, 'Coffee', '2024-02-01');
INSERT INTO entries VALUES (2, 1, 1, 'start', '2024-01-01');

-- Joins and subqueries whose tables are all fixed to the same value.
SELECT a.owner, e.n, e.amount FROM accounts a JOIN entries e ON e.account_id = a.id WHERE a.id = 1 AND e.account_id = 1 ORDER BY e.n;
SELECT a.owner, e.n FROM accounts a, entries e WHERE a.id = 1 AND e.account_id = 1 AND e.n < 3 ORDER BY e.n;
SELECT a.owner, e.n FROM accounts a LEFT JOIN entries e ON e.account_id = 1 AND e.n = 99 WHERE a.id = 1;
SELECT x.n, y.n FROM entries x JOIN entries y ON x.amount = y.amount AND x.n < y.n WHERE x.account_id = 1 AND y.account_id = 1;
SELECT owner FROM accounts WHERE id = 1 AND EXISTS (SELECT 1 FROM entries WHERE account_id = 1 AND amount > 50);
SELECT owner, (SELECT SUM(amount) FROM entries WHERE account_id = 1) AS total FROM accounts WHERE id = 1;
SELECT * FROM (SELECT n, amount FROM entries WHERE account_id = 1) AS d WHERE d.amount > 0 ORDER BY n;
SELECT n FROM entries WHERE account_id = 1 AND amount = (SELECT MAX(amount) FROM entries WHERE account_id = 1);

-- Aggregates and grouping.
SELECT COUNT(*), COUNT(amount), SUM(amount), AVG(amount), MIN(note), MAX(at) FROM entries WHERE account_id = 1;
SELECT COUNT(*), SUM(amount), GROUP_CONCAT(note) FROM entries WHERE account_id = 4711;
SELECT note, COUNT(*) FROM entries WHERE account_id = 1 GROUP BY note ORDER BY note;
SELECT DATE_FORMAT(at, '%Y-%m') AS month, SUM(amount) FROM entries WHERE account_id = 1 GROUP BY month HAVING SUM(amount) > 0 ORDER BY 1 DESC;
SELECT amount, COUNT(DISTINCT note), GROUP_CONCAT(note ORDER BY note SEPARATOR '; ') FROM entries WHERE account_id = 1 GROUP BY amount ORDER BY amount;
SELECT at, note, SUM(amount) FROM entries WHERE account_id = 1 GROUP BY at, note WITH ROLLUP;
SELECT n % 2, STDDEV(amount), VARIANCE(amount), BIT_XOR(n) FROM entries WHERE account_id = 1 GROUP BY n % 2 ORDER BY n % 2;
SELECT JSON_ARRAYAGG(n), JSON_OBJECTAGG(n, amount) FROM entries WHERE account_id = 1 AND n < 3;
SELECT note, amount FROM entries WHERE account_id = 1 GROUP BY note;

-- Window functions.
SELECT n, SUM(amount) OVER (ORDER BY n) AS running, LAG(n) OVER (ORDER BY n) AS before_it FROM entries WHERE account_id = 1 ORDER BY n;
-- @unordered
SELECT n, RANK() OVER w, DENSE_RANK() OVER w, NTILE(2) OVER (ORDER BY n) FROM entries WHERE account_id = 1 WINDOW w AS (ORDER BY amount);

-- Expressions.
SELECT IF(amount > 0, 'in', 'out'), IFNULL(amount, 0), COALESCE(note, 'none'), NULLIF(n, 1) FROM entries WHERE account_id = 1 ORDER BY n;
SELECT CASE WHEN amount IS NULL THEN 'nothing' WHEN amount BETWEEN -5 AND 5 THEN 'little' ELSE 'much' END AS size FROM entries WHERE account_id = 1 ORDER BY n;
SELECT note LIKE 'c%', note RLIKE '^C', note = 'COFFEE', BINARY note = 'coffee' FROM entries WHERE account_id = 1 ORDER BY n;
SELECT n << 2, n | 8, ~n, n ^ 1 FROM entries WHERE account_id = 1 AND n = 1;
SELECT NOT n, NOT (n > 1) FROM entries WHERE account_id = 1 AND n = 1;
-- @refused SH2004
SELECT n XOR 0, !n FROM entries WHERE account_id = 1 AND n = 1;
SELECT SUBSTRING(note, 2, 3), REPLACE(note, 'e', 'E'), LPAD(note, 8, '*'), REVERSE(note), LOCATE('f', note) FROM entries WHERE account_id = 1 AND n = 2;
SELECT SHA1(note), SHA2(note, 256), CRC32(note), HEX(note), TO_BASE64(note) FROM entries WHERE account_id = 1 AND n = 1;
SELECT CAST(amount AS SIGNED), CAST(amount AS CHAR), CONVERT(note USING latin1), CAST(note AS BINARY), CAST('7x' AS UNSIGNED) FROM entries WHERE account_id = 1 AND n = 1;
SELECT * FROM entries WHERE account_id = 1 AND amount IS NULL;
SELECT n FROM entries WHERE account_id = 1 AND (n, amount) IN ((1, 10.00), (2, 7));
SELECT SQL_NO_CACHE n FROM entries WHERE account_id = 1 AND n = 1;
SELECT ALL n FROM entries FORCE INDEX (PRIMARY) WHERE account_id = 1 AND n = 1;
SELECT n FROM entries WHERE account_id = 1 AND n = 1 FOR UPDATE;
SELECT n FROM entries WHERE account_id = 1 AND n = 1 FOR SHARE SKIP LOCKED;
SELECT n FROM entries WHERE account_id = 1 AND n = 1 LOCK IN SHARE MODE;
SELECT n FROM entries e WHERE e.account_id = 1 ORDER BY n LIMIT 2 lock in share mode;

-- Without a table there is nothing to shard.
SELECT 1;
SELECT 1 + 1 AS two, 'text' AS t, NULL AS n, 1.50 AS d, 1e3 AS f, x'41' AS h, TRUE AS b;
SELECT DATABASE();
SELECT 'a' 'b' "c";
SELECT 2 WHERE 1 = 0;
SELECT 1 FROM DUAL;
SELECT SUM(1), COUNT(*);
SELECT CAST('2024-01-01' AS DATE), TIME'10:00:00', INTERVAL 1 DAY + '2024-01-01';
SELECT 1/0;
SELECT 'abc' + 1;

-- For several shards, or beyond what is routed.
-- @refused SH2016
SELECT a.owner, e.n FROM accounts a JOIN entries e ON e.account_id = a.id ORDER BY a.owner, e.n;
-- @refused SH2003
SELECT * FROM accounts a, accounts b WHERE a.id = 1 AND b.id = 31;
-- @refused SH2016
SELECT owner FROM accounts WHERE id = 1 AND id IN (SELECT account_id FROM entries);
-- @refused SH2016
SELECT owner FROM accounts WHERE id = 1 UNION SELECT note FROM entries;
-- @refused SH2016
WITH RECURSIVE up AS (SELECT id, parent FROM accounts WHERE id = 2 UNION ALL SELECT a.id, a.parent FROM accounts a JOIN up ON a.id = up.parent) SELECT * FROM up;
