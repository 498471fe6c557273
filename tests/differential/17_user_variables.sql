-- User variables, which are the session's own, wherever its statements go.
-- @table kept id xxhash

CREATE TABLE kept (id bigint NOT NULL, name varchar(20), d decimal(10,3), PRIMARY KEY (id));
INSERT INTO kept VALUES (1, 'one', 1.5), (2, 'two', 2.25), (3, 'three', NULL), (4, 'four', -4);
SET @id = 2;
SELECT name FROM kept WHERE id = @id;
SELECT id FROM kept WHERE id IN (@id, 3, @ID + 0);
SET @id := 3, @name = 'it''s', @`odd name` = 5, @'other' = NULL;
SELECT name FROM kept WHERE id = @id AND @name = 'it''s' AND @`odd name` = 5 AND @other IS NULL;
SELECT @`odd name` + @id AS a, @other IS NULL AS c, @never_set IS NULL AS d;
SET @a = 1, @b = @a + 1;
SELECT @a + 0, @b IS NULL;
SET @b = @a + 1;
SELECT @b * 10;
SET @double = 1.5e3, @decimal = 12.340, @negative = -7, @large = 18446744073709551615, @bytes = x'00ff27', @text = 'Grün 😀';
SELECT @double / 2, @decimal + 1, @negative * -1, @large - 1;
SELECT HEX(@bytes) = '00FF27' AND LENGTH(@text) = 10 AND CHAR_LENGTH(@text) = 6 FROM kept WHERE id = 1;
SELECT id FROM kept WHERE id = 1 AND LENGTH(@text) = 10 AND HEX(@bytes) = '00FF27';
SELECT 1 - @negative, name FROM kept WHERE id = @a;
INSERT INTO kept VALUES (@negative, @text, @decimal);
INSERT INTO kept (id, name) VALUES (@a, 'x'), (11, @name);
INSERT INTO kept (id, name) VALUES (10, 'x'), (11, @name);
SELECT * FROM kept WHERE id = -7;
SELECT name FROM kept WHERE id = 11;
UPDATE kept SET name = @name, d = @double WHERE id = @id;
SELECT * FROM kept WHERE id = 3;
DELETE FROM kept WHERE id = @negative;
SET @found = (SELECT name FROM kept WHERE id = 2), @sum = (SELECT SUM(d) FROM kept WHERE id = 1);
SELECT @found = 'two', @sum + 1;
SET @nothing = (SELECT name FROM kept WHERE id = 999);
SELECT @nothing IS NULL;
SET @two = (SELECT id, name FROM kept WHERE id = 2);
SET @wrong = no_such_column;
SET @wrong = no_such_function();
SET @@no_such_variable = 1, @c = 2;
BEGIN;
UPDATE kept SET name = 'changed' WHERE id = 1;
SET @seen = (SELECT name FROM kept WHERE id = 1);
SELECT @seen = 'changed';
ROLLBACK;
SELECT @seen = 'changed', name FROM kept WHERE id = 1;
INSERT INTO kept VALUES (50, 'last', 1);
SET @old_mode = @@sql_mode, sql_mode = 'NO_AUTO_VALUE_ON_ZERO', @old_zone = @@time_zone, time_zone = '+00:00';
SELECT @@sql_mode, @@time_zone, @old_mode LIKE '%STRICT%', @old_zone = 'SYSTEM';
SET sql_mode = @old_mode, time_zone = @old_zone;
SELECT @@sql_mode, @@time_zone;
/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
SELECT @OLD_CHARACTER_SET_CLIENT = 'utf8mb4', @OLD_FOREIGN_KEY_CHECKS + 0, @@foreign_key_checks;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
SELECT @@foreign_key_checks;
-- @refused SH2016 several
SET @all = (SELECT COUNT(*) FROM kept);
-- @refused SH2005 everywhere
SELECT @x := 5;
-- @refused SH2005 everywhere
SELECT name INTO @x FROM kept WHERE id = 1;
DROP TABLE kept;
