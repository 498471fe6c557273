-- Statements that are wrong give MySQL's own errors: code, SQLSTATE and text.
-- @table things id xxhash

CREATE TABLE things (id int NOT NULL, n int NOT NULL DEFAULT 1, name varchar(5) NOT NULL, PRIMARY KEY (id, n), CHECK (n < 100));
INSERT INTO things VALUES (1, 1, 'one');

-- Not SQL at all.
SELEC 1;
SELECT FROM things WHERE id = 1;
SELECT * FROM things WHERE id = ;
SELECT * FROM things WHERE id = 1 AND (;
SELECT 'unclosed FROM things;
INSERT INTO things VALUES (1, 2;
CREATE TABLE;
UPDATE things SET WHERE id = 1;

-- Names that do not exist, or not here.
SELECT * FROM nowhere WHERE id = 1;
SELECT nothing FROM things WHERE id = 1;
SELECT t.name FROM things WHERE id = 1;
SELECT nofunction(id) FROM things WHERE id = 1;
INSERT INTO things (id, nothing) VALUES (1, 1);
UPDATE things SET nothing = 1 WHERE id = 1;
DELETE FROM nowhere WHERE id = 1;
SELECT name FROM things WHERE id = 1 ORDER BY nothing;
SELECT nothing;
DROP TABLE nowhere;
DESCRIBE nowhere;
SHOW CREATE TABLE nowhere;

-- Values that do not fit.
INSERT INTO things VALUES (1, 1, 'again');
INSERT INTO things VALUES (1, 2, NULL);
INSERT INTO things (id, n) VALUES (1, 3);
INSERT INTO things VALUES (1, 4, 'too long');
INSERT INTO things VALUES (1, 'x', 'n');
INSERT INTO things VALUES (1, 2);
INSERT INTO things VALUES (1, 100, 'check');
INSERT INTO things (id, id, name) VALUES (1, 1, 'two');
UPDATE things SET name = NULL WHERE id = 1;
UPDATE things SET n = 5000000000 WHERE id = 1;
UPDATE things SET name = 'much too long' WHERE id = 1;

-- Wrong in a way that only the server knows.
SELECT id, COUNT(*) FROM things WHERE id = 1 GROUP BY name;
SELECT (SELECT n, name FROM things WHERE id = 1) FROM things WHERE id = 1;
SELECT * FROM things a JOIN things a WHERE a.id = 1;
SELECT 1 UNION SELECT 1, 2;
SELECT MAX(MAX(n)) FROM things WHERE id = 1;
SELECT n FROM things WHERE id = 1 HAVING COUNT(nothing) > 1;
SELECT ST_GeomFromText('nonsense') FROM things WHERE id = 1;
SELECT JSON_EXTRACT('{', '$') FROM things WHERE id = 1;
SELECT 9223372036854775807 + 1;
SELECT EXP(1000);
SELECT _utf8mb4'a' COLLATE latin1_bin;
CREATE TABLE things (id int PRIMARY KEY);
ALTER TABLE things DROP COLUMN nothing;
ALTER TABLE things ADD COLUMN name int;
DROP INDEX nothing ON things;

-- And after all of them the row is as it was.
SELECT * FROM things WHERE id = 1;
