-- Statements over several shards that need no merging: the shards' answers one after the other are MySQL's.
-- @table buyers id xxhash
-- @table buys buyer_id xxhash
-- @table tags id hash
-- @table inexact id xxhash
-- @table quick id xxhash

CREATE TABLE buyers (id bigint PRIMARY KEY, name varchar(20), born date, score decimal(6,2), changed timestamp(6) NULL ON UPDATE CURRENT_TIMESTAMP(6));
CREATE TABLE buys (buyer_id bigint NOT NULL, n int NOT NULL, what varchar(20), price int, PRIMARY KEY (buyer_id, n));
CREATE TABLE tags (id bigint PRIMARY KEY, text varchar(20));

-- Without rows.
SELECT * FROM buyers;
SELECT id, name FROM buyers WHERE 1 = 0;
UPDATE buyers SET name = 'x';
DELETE FROM buyers;

INSERT INTO buyers (id, name, born, score) VALUES (1, 'Ann', '1980-01-01', 1.5);
INSERT INTO buyers (id, name, born, score) VALUES (8, 'Bob', '1981-01-01', 2.5);
INSERT INTO buyers (id, name, born, score) VALUES (3, 'Cyd', NULL, 3.5);
INSERT INTO buyers (id, name, born, score) VALUES (10, NULL, '1983-01-01', NULL);
INSERT INTO buyers (id, name, born, score) VALUES (5, 'Eve', '1984-01-01', 5.5);
INSERT INTO buyers (id, name, born, score) VALUES (6, 'Fay', '1985-01-01', -6.5);
INSERT INTO buyers (id, name, born, score) VALUES (-7, 'Gil', '1986-01-01', 7.5);
INSERT INTO buys VALUES (1, 1, 'cup', 3), (1, 2, 'pen', 1);
INSERT INTO buys VALUES (8, 1, 'cup', 3);
INSERT INTO buys VALUES (3, 1, 'ink', 9), (3, 2, 'pen', 1), (3, 3, 'cup', 4);
INSERT INTO buys VALUES (5, 1, 'pen', 2);
INSERT INTO buys VALUES (9, 1, 'lost', 2);
INSERT INTO tags VALUES (1, 'one');
INSERT INTO tags VALUES (8, 'two');

-- Rows of all shards.
SELECT * FROM buyers;
SELECT b.name, b.id + 1, UPPER(b.name) AS big FROM {db}.buyers AS b WHERE b.score > 2;
SELECT ALL name FROM buyers WHERE name LIKE '%e%' OR name IS NULL;
SELECT id FROM buyers WHERE born BETWEEN '1980-06-01' AND '1985-06-01' AND NOT name <=> 'Bob';
SELECT id, CASE WHEN score > 3 THEN 'high' ELSE 'low' END, IFNULL(name, 'nobody'), CAST(score AS SIGNED) FROM buyers;
SELECT id, DATE_ADD(born, INTERVAL 1 MONTH), EXTRACT(YEAR FROM born), TRIM(name), SUBSTRING(name, 2) FROM buyers;
SELECT 1 FROM buyers;
SELECT id FROM buyers FOR UPDATE;
SELECT id FROM buyers LOCK IN SHARE MODE;
TABLE buyers;
TABLE {db}.buyers;
-- @refused SH2016 several
TABLE buyers ORDER BY id LIMIT 2;
SELECT id FROM buyers WHERE id IN (1) OR id IN (8, 3);
SELECT id FROM buyers WHERE id NOT IN (1, 8);
SELECT id FROM buyers WHERE id <> 3;
SELECT id FROM buyers WHERE id = id;
SELECT id, n FROM buys WHERE price = 1;
SELECT id FROM buyers WHERE NOW() > born;
SELECT id FROM buyers WHERE name IN ('Ann', 'Bob') AND id > 0;

-- Lists of values of the sharding column.
SELECT id, name FROM buyers WHERE id IN (1, 8, 3, 10, 5, 6);
SELECT id, name FROM buyers WHERE id IN (1, 8, NULL);
SELECT id, name FROM buyers WHERE id IN (NULL);
SELECT id, name FROM buyers WHERE id IN (NULL, NULL) ORDER BY name;
SELECT id, name FROM buyers WHERE id IN (-7, 1, '8', 10.0, (5));
SELECT id, name FROM buyers WHERE id IN (100, 101, 102, 103);
SELECT id, name FROM buyers WHERE (id IN (1, 8, 3)) AND score > 2;
SELECT id, name FROM buyers WHERE id IN (1, 8, 3) AND id IN (3, 10, 5, 6);
SELECT n FROM buys WHERE buyer_id IN (1, 3) AND n IN (1, 2);
SELECT id FROM buyers WHERE id = 1 AND id IN (1, 8);
SELECT id IN (1, 8) FROM buyers WHERE id IN (1, 8, 3);
-- A list of one shard may have any clause.
SELECT name, COUNT(*) FROM buyers WHERE id IN (1, 1) GROUP BY name ORDER BY name LIMIT 1;
SELECT id FROM buyers WHERE id IN (NULL, 5) LIMIT 1;
SELECT id FROM buyers WHERE id IN (1, 2.5);
-- @refused SH2016
SELECT id FROM buyers WHERE id IN (1, 8, 3, 10, 5, 6) ORDER BY id;
-- @refused SH2016
SELECT COUNT(*) FROM buyers WHERE id IN (1, 8, 3, 10, 5, 6);
-- @refused SH2016
DELETE FROM buyers WHERE id IN (1, 8, 3, 10, 5, 6) LIMIT 2;

-- Joins by the sharding columns.
SELECT b.name, s.what FROM buyers b JOIN buys s ON s.buyer_id = b.id;
SELECT b.name, s.what FROM buyers b, buys s WHERE b.id = s.buyer_id AND s.price > 1;
SELECT b.name, s.what FROM buyers b LEFT JOIN buys s ON b.id = s.buyer_id;
SELECT b.name, s.what FROM buyers b LEFT JOIN buys s ON b.id = s.buyer_id AND s.what = 'cup' WHERE s.n IS NULL;
SELECT b.name, s.what FROM buyers b RIGHT JOIN buys s ON b.id = s.buyer_id;
SELECT a.n, b.n FROM buys a JOIN buys b ON a.buyer_id = b.buyer_id AND a.n < b.n;
SELECT b.name, s.what, t.what FROM buyers b JOIN buys s ON s.buyer_id = b.id LEFT JOIN buys t ON t.buyer_id = s.buyer_id AND t.n = s.n + 1;
SELECT b.name, s.what FROM buyers b STRAIGHT_JOIN buys s ON s.buyer_id = b.id WHERE s.price > 2;
-- With a value of one of them, any clause.
SELECT b.name, COUNT(*), SUM(s.price) FROM buyers b JOIN buys s ON s.buyer_id = b.id WHERE b.id = 3 GROUP BY b.name;
SELECT b.name, s.what FROM buyers b JOIN buys s ON s.buyer_id = b.id WHERE s.buyer_id = 1 ORDER BY s.what DESC LIMIT 1;
SELECT b.name, s.what FROM buyers b LEFT JOIN buys s ON s.buyer_id = b.id WHERE b.id IN (1, 10);
SELECT b.name, s.what FROM buyers b LEFT JOIN buys s ON s.buyer_id = b.id AND b.id = 1 WHERE b.name IS NOT NULL;
-- @refused SH2016
SELECT b.name, s.what FROM buyers b JOIN buys s ON s.n = b.id;
-- @refused SH2016
SELECT b.name, s.what FROM buyers b LEFT JOIN buys s ON s.n = 1 WHERE s.buyer_id = b.id;
-- @refused SH2016
SELECT b.name, s.what FROM buyers b JOIN buys s ON s.buyer_id = b.id OR s.n = 1;
-- @refused SH2016
SELECT b.name, s.what FROM buyers b JOIN buys s ON s.buyer_id = b.id + 0;
SELECT b.name, s.what FROM buyers b JOIN buys s USING (name);
SELECT a.n, b.n FROM buys a JOIN buys b USING (buyer_id);
SELECT buyer_id, a.n, b.what FROM buys a JOIN buys b USING (buyer_id, n) WHERE b.price > 1;
SELECT * FROM buys a JOIN buys b USING (buyer_id) LEFT JOIN buys c USING (buyer_id) WHERE a.n = 1 AND b.n = 2;
SELECT * FROM buys a LEFT JOIN buys b USING (Buyer_Id) WHERE b.n = 2;
SELECT * FROM buys a RIGHT JOIN buys b USING (buyer_id) WHERE a.n = 2;
SELECT * FROM (buys a JOIN buys b USING (buyer_id)) JOIN buys c USING (buyer_id) WHERE a.n = 1 AND b.n = 1 AND c.n = 1;
SELECT a.n, buyer_id FROM buys a JOIN buys b USING (buyer_id) WHERE buyer_id IN (1, 3) AND b.n = 2;
SELECT COUNT(*) FROM buys a JOIN buys b USING (buyer_id) WHERE buyer_id = 3;
SELECT a.n FROM buys a JOIN buys b USING (buyer_id) WHERE a.buyer_id = 3 AND b.buyer_id = 3 ORDER BY a.n, b.n;
UPDATE buys a JOIN buys b USING (buyer_id) SET a.price = a.price + 1 WHERE a.n = 1 AND b.n = 2;
UPDATE buys a JOIN buys b USING (buyer_id) SET a.price = a.price - 1 WHERE a.n = 1 AND b.n = 2;
SELECT b.name, s.what FROM buyers b JOIN buys s USING (buyer_id);
-- @refused SH2016
SELECT COUNT(*) FROM buys a JOIN buys b USING (buyer_id);
-- @refused SH2016
SELECT a.n, b.n FROM buys a JOIN buys b USING (n);
SELECT a.n FROM buys a JOIN buys b ON a.n = b.n JOIN buys c USING (n);
-- Equal values of different vindexes are on different shards.
-- @refused SH2016
SELECT b.name, t.text FROM buyers b JOIN tags t ON t.id = b.id;
-- @refused SH2016
SELECT b.name, s.what FROM buyers b CROSS JOIN buys s;
-- The left join's condition ties its right side to both, and those two to nothing.
-- @refused SH2016
SELECT a.id, b.id, s.n FROM (buyers a JOIN buyers b ON a.id < b.id) LEFT JOIN buys s ON s.buyer_id = a.id AND s.buyer_id = b.id;

-- What would have to be merged.
-- @refused SH2016
SELECT id FROM buyers ORDER BY id;
-- @refused SH2016
SELECT id FROM buyers LIMIT 2;
-- @refused SH2016
SELECT DISTINCT what FROM buys;
-- @refused SH2016
SELECT what, 1 FROM buys GROUP BY what;
-- @refused SH2016
SELECT id FROM buyers HAVING id > 2;
-- @refused SH2016
SELECT COUNT(*) FROM buyers;
-- @refused SH2016
SELECT MAX(score) + 1 FROM buyers WHERE name LIKE 'A%';
-- @refused SH2016
SELECT GROUP_CONCAT(name) FROM buyers;
-- @unordered
-- @refused SH2016
SELECT id, ROW_NUMBER() OVER (ORDER BY id) FROM buyers;
-- @refused SH2016
SELECT id FROM buyers UNION SELECT buyer_id FROM buys;
-- @refused SH2016
SELECT id FROM buyers UNION ALL SELECT buyer_id FROM buys;
-- @refused SH2016
SELECT id FROM buyers WHERE id IN (SELECT buyer_id FROM buys);
-- @refused SH2016
SELECT id, (SELECT COUNT(*) FROM buys WHERE buyer_id = id) FROM buyers;
-- @refused SH2016
SELECT id FROM buyers WHERE EXISTS (SELECT 1 FROM buys WHERE buyer_id = buyers.id);
-- @refused SH2016
SELECT d.id FROM (SELECT id FROM buyers) AS d;
-- @refused SH2016
WITH c AS (SELECT id FROM buyers) SELECT id FROM c;
-- @refused SH2016
SELECT id, @@version_comment = '' FROM buyers;
-- @refused SH2016
SELECT RAND(5) < 2 FROM buyers;

-- MySQL's own errors come first.
SELECT nothing FROM buyers;
SELECT nothing FROM buyers ORDER BY id;
SELECT id FROM buyers WHERE nofunction(id) = 1;
SELECT b.name FROM buyers b JOIN buys s ON s.buyer_id = b.id WHERE nothing = 1;
UPDATE buyers SET nothing = 1;
DELETE FROM buyers WHERE nothing = 1;

-- Writes of several shards are counted together.
UPDATE buyers SET score = score + 1 WHERE id IN (1, 8, 3, 10);
UPDATE buyers SET score = score + 1;
UPDATE buyers SET name = 'Ann' WHERE name = 'Ann';
UPDATE buyers AS b SET b.score = b.score * 2, b.name = CONCAT(b.name, '!') WHERE b.id > 2;
UPDATE buys SET price = price + 1 WHERE what = 'pen';
UPDATE buys SET n = n + 10 WHERE n = 2;
UPDATE buyers JOIN buys ON buyers.id = buys.buyer_id SET buys.price = buys.price + buyers.id WHERE buyers.id IN (1, 8, 3);
UPDATE buyers b JOIN buys s ON b.id = s.buyer_id SET s.what = 'mug' WHERE s.what = 'cup';
DELETE FROM buys WHERE price > 1000;
DELETE FROM buys WHERE buyer_id IN (1, 8, 9) AND n = 1;
SELECT * FROM buys;
SELECT id, name, score FROM buyers;
-- One moment for all shards.
UPDATE buyers SET changed = NOW(6);
SELECT a.id FROM buyers a WHERE a.changed IS NULL OR a.changed > NOW(6);
-- @refused SH2007
UPDATE buyers SET id = id + 1;
-- @refused SH2007
UPDATE buyers b JOIN buys s ON b.id = s.buyer_id SET s.buyer_id = 5;
-- @refused SH2016
UPDATE buyers SET score = 0 ORDER BY id LIMIT 1;
-- @refused SH2016
UPDATE buyers SET score = (SELECT MAX(price) FROM buys);
-- @refused SH2016
DELETE FROM buyers WHERE id IN (SELECT buyer_id FROM buys);
-- @refused SH2016
DELETE FROM buyers LIMIT 1;

-- A write that fails on one shard is done on none.
UPDATE buys SET n = 1;
SELECT * FROM buys;
-- Each shard numbers its own rows.
-- @known ErrorText
UPDATE buyers SET name = REPEAT('x', id * 10) WHERE id > 0;
SELECT id, name FROM buyers;
DELETE FROM buyers;
SELECT id FROM buyers;

-- Values that are not of the column's type are compared all the same.
CREATE TABLE inexact (id bigint PRIMARY KEY, n int);
INSERT INTO inexact VALUES (1, 1), (2, 2), (3, 3), (4, 4);
SELECT * FROM inexact WHERE id = 1.5;
SELECT * FROM inexact WHERE id = 2e0;
SELECT * FROM inexact WHERE id IN (1, 2.5, 4);
SELECT * FROM inexact WHERE id = '3.0e0';
SELECT * FROM inexact WHERE id = 99999999999999999999;
UPDATE inexact SET n = n + 1 WHERE id = 1.5;
DELETE FROM inexact WHERE id = 2.5;
UPDATE inexact SET n = n + 1 WHERE id = '3e0';
SELECT * FROM inexact;
-- @refused SH2002 several
SELECT * FROM inexact WHERE id = 1.5 ORDER BY n;
-- @refused SH2002 several
SELECT COUNT(*) FROM inexact WHERE id IN (1.5, 2);
-- @refused SH2002
INSERT INTO inexact VALUES (1.5, 1);
DROP TABLE inexact;

-- Words that say when a write is done, and what becomes of its errors.
CREATE TABLE quick (id bigint, n tinyint NOT NULL, u int, PRIMARY KEY (id), UNIQUE (id, u));
INSERT HIGH_PRIORITY INTO quick VALUES (1, 1, 1);
INSERT LOW_PRIORITY INTO quick VALUES (2, 2, 2), (3, 3, 3), (4, 4, 4), (5, 5, 5);
INSERT DELAYED INTO quick VALUES (6, 6, 6);
INSERT DELAYED INTO quick VALUES (7, 7, 7);
INSERT INTO quick VALUES (8, 8, 8);
REPLACE DELAYED quick VALUES (6, 60, 6);
REPLACE LOW_PRIORITY INTO quick (id, n) VALUES (7, 70), (8, 80), (9, 90);
INSERT IGNORE INTO quick VALUES (1, 1, 1), (10, 1000, 10), (2, 'x', 2), (11, NULL, 11), (12, 12, 'y');
INSERT LOW_PRIORITY IGNORE INTO quick VALUES (12, 1, 1), (13, -1000, 13);
INSERT IGNORE INTO quick SET id = 14, n = 1000;
SELECT * FROM quick;
UPDATE LOW_PRIORITY quick SET n = n + 1 WHERE id = 1;
UPDATE IGNORE quick SET n = n + 100 WHERE id = 9;
UPDATE IGNORE quick SET n = n + 100;
UPDATE LOW_PRIORITY IGNORE quick SET n = NULL WHERE id IN (1, 2, 3);
-- @refused SH2007
UPDATE IGNORE quick SET id = 5 WHERE id = 6;
SELECT * FROM quick;
DELETE QUICK FROM quick WHERE id = 1;
DELETE LOW_PRIORITY QUICK IGNORE FROM quick WHERE n > 100;
DELETE quick FROM quick WHERE id = 2;
DELETE IGNORE FROM quick;
SELECT * FROM quick;
UPDATE QUICK quick SET n = 1;
DELETE HIGH_PRIORITY FROM quick;
DROP TABLE quick;
