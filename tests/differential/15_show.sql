-- Looking around: SHOW, DESCRIBE, information_schema, EXPLAIN, and what clients ask first.
-- @table seen id xxhash
-- @table dumped id xxhash

CREATE TABLE seen (id bigint NOT NULL PRIMARY KEY, name varchar(30) COLLATE utf8mb4_bin NOT NULL DEFAULT 'x', born date, KEY by_born (born, name(5))) COMMENT 'looked at';
SHOW TABLES LIKE 'see_';
SHOW FULL TABLES WHERE Tables_in_{db} = 'seen';
SHOW TABLES FROM {db} LIKE 'seen';
SHOW COLUMNS FROM seen;
SHOW FULL COLUMNS FROM seen LIKE 'b%';
SHOW FIELDS IN seen FROM {db};
SHOW COLUMNS FROM {db}.seen WHERE Field = 'id';
SHOW INDEX FROM seen;
SHOW KEYS FROM seen WHERE Key_name = 'by_born';
SHOW CREATE TABLE seen;
DESCRIBE seen;
DESC seen name;
EXPLAIN seen;
SHOW CREATE DATABASE {db};
SHOW DATABASES LIKE '{db}';
SHOW SCHEMAS LIKE 'no_such%';
SHOW CHARACTER SET LIKE 'utf8mb%';
SHOW CHARSET LIKE 'latin1';
SHOW COLLATION WHERE Charset = 'ascii';
SHOW ENGINES;
SHOW PRIVILEGES;
SHOW VARIABLES LIKE 'autocommit';
SHOW SESSION VARIABLES WHERE Variable_name IN ('sql_mode', 'character_set_client', 'character_set_results');
SHOW GLOBAL VARIABLES LIKE 'version';
SHOW LOCAL STATUS LIKE 'no such variable';
SHOW TRIGGERS;
SHOW TRIGGERS FROM {db} LIKE 'seen';
SHOW EVENTS;
SHOW EVENTS FROM {db} LIKE 'e%';
SHOW EVENTS WHERE Status = 'ENABLED';
SHOW EVENTS FROM no_such_database;
SHOW PROCEDURE STATUS WHERE Db = '{db}';
SHOW FUNCTION STATUS LIKE 'no such function';
SHOW TABLE STATUS LIKE 'no such table';
SHOW TABLE STATUS FROM {db} LIKE 'no such table';
SHOW TABLE STATUS FROM no_such_database;
SHOW TABLES FROM no_such_database;
SHOW COLUMNS FROM no_such_table;
SHOW CREATE TABLE no_such_table;
SHOW NONSENSE;

-- The catalogue.
SELECT TABLE_NAME, TABLE_TYPE, ENGINE, TABLE_COMMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'seen';
SELECT table_name FROM information_schema.tables WHERE table_schema = '{db}' AND table_name LIKE 'see%' ORDER BY 1;
SELECT COLUMN_NAME, ORDINAL_POSITION, COLUMN_DEFAULT, IS_NULLABLE, COLUMN_TYPE, COLLATION_NAME, COLUMN_KEY FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_SCHEMA = '{db}' AND TABLE_NAME = 'seen' ORDER BY ORDINAL_POSITION;
SELECT INDEX_NAME, SEQ_IN_INDEX, COLUMN_NAME, SUB_PART FROM information_schema.STATISTICS s WHERE s.TABLE_SCHEMA IN ('{db}') AND s.TABLE_NAME = 'seen' ORDER BY 1, 2;
SELECT c.CONSTRAINT_NAME, k.COLUMN_NAME FROM information_schema.TABLE_CONSTRAINTS c JOIN information_schema.KEY_COLUMN_USAGE k USING (CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME) WHERE c.TABLE_SCHEMA = '{db}' AND c.TABLE_NAME = 'seen';
SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'no_such_database';
SELECT SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '{db}';
USE information_schema;
SELECT DATABASE();
SELECT TABLE_NAME, TABLE_TYPE FROM TABLES WHERE TABLE_SCHEMA = '{db}' AND TABLE_NAME = 'seen';
SELECT s.INDEX_NAME FROM statistics s JOIN information_schema.TABLES t USING (TABLE_SCHEMA, TABLE_NAME) WHERE s.TABLE_SCHEMA = '{db}' AND t.TABLE_NAME = 'seen' ORDER BY 1;
SHOW TABLES LIKE 'SCHEMA%';
SHOW COLUMNS FROM KEYWORDS;
SELECT * FROM no_such_table;
USE {db};
SHOW TABLES FROM information_schema LIKE 'KEYW%';

-- How MySQL does it, on the one shard.
INSERT INTO seen (id, name) VALUES (1, 'one');
INSERT INTO seen (id, name) VALUES (2, 'two');
EXPLAIN SELECT * FROM seen WHERE id = 1;
EXPLAIN FORMAT = TREE SELECT name FROM seen WHERE id = 2;
-- @refused SH2011 everywhere
SHOW OPEN TABLES WHERE `Table` = 'no such table';

-- What clients ask at login.
SELECT @@version_comment LIMIT 1;
SELECT DATABASE(), SCHEMA();
SELECT @@session.autocommit, @@transaction_isolation, @@session.transaction_read_only, @@sql_mode;
SELECT @@character_set_client, @@character_set_connection, @@character_set_server, @@character_set_database LIMIT 1;
SELECT CONNECTION_ID() > 0, USER() IS NOT NULL AS u, IFNULL(CURRENT_ROLE() = 'NONE', 0), IFNULL(CURRENT_USER = 'nobody', 0);
SELECT (SELECT COUNT(*) FROM seen WHERE id = 1 AND name <> USER());
SELECT name FROM seen WHERE id = 1 AND name = SESSION_USER();
SELECT SESSION_USER(1);

-- SET of what is so already.
SET NAMES utf8mb4;
SET NAMES 'utf8mb4' COLLATE 'utf8mb4_0900_ai_ci';
SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ;
SET SESSION TRANSACTION READ WRITE;
SET sql_mode = 'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION';
SET time_zone = 'SYSTEM', @@session.foreign_key_checks = 1, character_set_results = utf8mb4;
/*!40101 SET SQL_NOTES = 1 */;
SET no_such_variable = 1;
SET wait_timeout = 'x';
SET time_zone = '+01:00';
SELECT @@time_zone;
SET time_zone = DEFAULT;

-- Executable comments, as dumps have them.
/*!50503 SET NAMES utf8mb4 */;
CREATE TABLE dumped (id int NOT NULL, n int /*!80023 INVISIBLE */, PRIMARY KEY (id)) /*!50100 PARTITION BY HASH (id) PARTITIONS 2 */;
SHOW CREATE TABLE dumped;
/*!40000 ALTER TABLE dumped COMMENT = 'x' */;
INSERT /*! IGNORE */ INTO dumped /*!50000 (id, n) */ VALUES (1, /*! 5 */ + 1);
SELECT /*!40001 SQL_NO_CACHE */ id, n /*! + 1 */ FROM dumped WHERE id = 1;
-- @refused SH2010 everywhere
SELECT /*!99999 no, */ id FROM dumped WHERE id = 1;

USE {db};
USE no_such_database;
SELECT DATABASE();
