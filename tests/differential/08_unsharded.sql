-- What only an unsharded keyspace has: everything of MySQL that is not state of a session.
-- @unsharded

CREATE TABLE people (id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, name varchar(30), boss bigint, UNIQUE KEY by_name (name), CONSTRAINT has_boss FOREIGN KEY (boss) REFERENCES people (id));
INSERT INTO people (name) VALUES ('Ann');
INSERT INTO people (name, boss) VALUES ('Bob', 1), ('Cid', 1), ('Dee', 2);
INSERT INTO people VALUES (NULL, 'Eve', 2);
INSERT INTO people (id, name) VALUES (100, 'Fay');
INSERT IGNORE INTO people (name) VALUES ('Ann'), ('Gus');
-- @refused SH2005 everywhere
INSERT INTO people (name) VALUES ('Ann') ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id), boss = NULL;
INSERT INTO people (name) VALUES ('Ann');
INSERT INTO people (name, boss) VALUES ('Hal', 4711);
DELETE FROM people WHERE id = 1;
SELECT * FROM people ORDER BY id;
SELECT COUNT(*) FROM people;
UPDATE people SET name = CONCAT(name, '!') WHERE boss IS NOT NULL;
DELETE FROM people WHERE name LIKE 'E%';
SELECT p.name, b.name AS boss FROM people p LEFT JOIN people b ON b.id = p.boss ORDER BY p.id;
WITH RECURSIVE chain AS (SELECT id, name, 0 AS depth FROM people WHERE boss IS NULL UNION ALL SELECT p.id, p.name, depth + 1 FROM people p JOIN chain c ON p.boss = c.id) SELECT * FROM chain ORDER BY depth, id;
SELECT name FROM people UNION SELECT 'Zoe' ORDER BY 1 DESC LIMIT 3;
SELECT name FROM people INTERSECT SELECT 'Ann';
SELECT name FROM people EXCEPT SELECT 'Ann' ORDER BY name;
(SELECT name FROM people ORDER BY id LIMIT 1) UNION ALL (SELECT 'x');
VALUES ROW(1, 'a'), ROW(2, 'b');
TABLE people ORDER BY id LIMIT 2;
CREATE VIEW bosses AS SELECT DISTINCT b.id, b.name FROM people p JOIN people b ON b.id = p.boss;
SELECT * FROM bosses ORDER BY id;
SHOW CREATE TABLE people;
SHOW FULL TABLES;
CREATE TABLE copies AS SELECT id, name FROM people;
INSERT INTO copies SELECT id + 1000, name FROM people WHERE id < 3;
SELECT * FROM copies ORDER BY id;
UPDATE people p JOIN copies c ON c.id = p.id SET p.name = UPPER(c.name) WHERE p.id = 2;
DELETE c FROM copies c JOIN people p ON p.id = c.id WHERE p.boss = 1;
SELECT c.id, p.name FROM copies c LEFT JOIN people p USING (id) ORDER BY c.id;
RENAME TABLE copies TO duplicates;
SHOW TABLES LIKE 'dup%';
ANALYZE TABLE duplicates;
CHECK TABLE duplicates;
CREATE TABLE slices (id int NOT NULL, y int NOT NULL, PRIMARY KEY (id, y)) PARTITION BY RANGE (y) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE);
INSERT INTO slices VALUES (1, 5), (2, 15);
SELECT * FROM slices PARTITION (p1);
ALTER TABLE slices TRUNCATE PARTITION p0;
SELECT COUNT(*) FROM slices;
CREATE TABLE articles (id int PRIMARY KEY, body text, FULLTEXT KEY (body));
INSERT INTO articles VALUES (1, 'the quick brown fox'), (2, 'lazy dogs');
SELECT id FROM articles WHERE MATCH (body) AGAINST ('fox');
SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME;
SELECT COLUMN_NAME, COLUMN_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'people' ORDER BY ORDINAL_POSITION;
SELECT id, ROW_NUMBER() OVER (PARTITION BY boss ORDER BY id) FROM people ORDER BY id;
-- @refused SH2010 everywhere
SELECT /*!80000 name, */ id FROM people WHERE id = 2;
SELECT * FROM people WHERE id > 5 OR name = 'Ann' ORDER BY id;
TRUNCATE TABLE duplicates;
DROP VIEW bosses;
DROP TABLE people, duplicates;
SELECT * FROM people;
