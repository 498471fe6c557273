-- Variables that a session sets, on whatever connection its statements come to be.
-- @table moments id xxhash

CREATE TABLE moments (id bigint NOT NULL AUTO_INCREMENT, at timestamp NULL, short varchar(3), n tinyint, PRIMARY KEY (id)) AUTO_INCREMENT = 10;
SET time_zone = '+05:00';
INSERT INTO moments (id, at, short, n) VALUES (1, '2026-01-01 12:00:00', 'abc', 1);
SELECT at, @@time_zone FROM moments WHERE id = 1;
SET time_zone = '-03:00';
SELECT at FROM moments WHERE id = 1;
SELECT UNIX_TIMESTAMP(at) FROM moments WHERE id IN (1, 2);
SET time_zone = 'nowhere';
SET no_such_variable = 1;
SET sql_mode = 'nonsense';
SET group_concat_max_len = 'long';
SET @@session.time_zone = DEFAULT;
SELECT at FROM moments WHERE id = 1;

SET sql_mode = '';
SELECT @@sql_mode, @@session.sql_mode;
INSERT INTO moments (id, short, n) VALUES (2, 'too long', 1000);
SELECT short, n FROM moments WHERE id = 2;
INSERT INTO moments (id, short, n) VALUES (3, 'much too long', -1000), (4, 'y', 5), (5, 'too long too', 6);
SELECT id, short, n FROM moments WHERE id IN (3, 4, 5);
SET sql_mode = CONCAT(@@sql_mode, 'STRICT_TRANS_TABLES,NO_AUTO_VALUE_ON_ZERO');
SELECT @@sql_mode;
INSERT INTO moments (id, short, n) VALUES (6, 'too long', 1);
INSERT INTO moments (id, short) VALUES (0, 'o');
SELECT short FROM moments WHERE id = 0;
SET sql_mode = DEFAULT, group_concat_max_len = 5;
SELECT @@group_concat_max_len, GROUP_CONCAT(short, 'xyz') FROM moments WHERE id = 1;
-- @refused SH2005 everywhere
SET sql_mode = 'ANSI_QUOTES';
-- @refused SH2005 everywhere
SET SESSION sql_select_limit = 1;
SELECT @@sql_mode LIKE '%STRICT%', @@sql_select_limit;

SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY;
SELECT @@transaction_isolation, @@transaction_read_only;
UPDATE moments SET n = 1 WHERE id = 1;
BEGIN;
SELECT n FROM moments WHERE id = 1;
SET SESSION TRANSACTION READ WRITE;
UPDATE moments SET n = 1 WHERE id = 1;
COMMIT;
UPDATE moments SET n = 2 WHERE id = 1;
BEGIN;
UPDATE moments SET n = 3 WHERE id = 1;
SET lock_wait_timeout = 7, @@session.innodb_lock_wait_timeout = 8, LOCAL max_execution_time = 9000;
SELECT n, @@lock_wait_timeout, @@innodb_lock_wait_timeout, @@max_execution_time FROM moments WHERE id = 1;
ROLLBACK;
SELECT n, @@lock_wait_timeout FROM moments WHERE id = 1;
SHOW SESSION VARIABLES LIKE 'lock_wait_timeout';
SET transaction_isolation = DEFAULT, lock_wait_timeout = DEFAULT, innodb_lock_wait_timeout = DEFAULT, max_execution_time = DEFAULT;
SELECT @@transaction_isolation, @@lock_wait_timeout, @@max_execution_time;
SET foreign_key_checks = OFF, unique_checks = 0;
SELECT @@foreign_key_checks, @@unique_checks;
SET foreign_key_checks = 1, unique_checks = ON;
SET NAMES utf8mb4;
SET character_set_results = NULL;
SELECT short FROM moments WHERE id = 1;
SET NAMES utf8mb4;
SELECT @@character_set_results;
SET SESSION character_set_results = 'binary';
SELECT short, @@character_set_results FROM moments WHERE id = 1;
SET SESSION character_set_results = 'utf8mb4';
SET @notes_were = @@sql_notes, sql_notes = 0;
SELECT @@sql_notes;
DROP TABLE IF EXISTS never_there;
INSERT IGNORE INTO moments (id, short) VALUES (1, 'again'), (40, 'too long');
SHOW WARNINGS;
SET sql_notes = @notes_were;
DROP TABLE IF EXISTS never_there;
SHOW WARNINGS;
DROP TABLE moments;
