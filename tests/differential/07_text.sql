-- How statements may be written: comments, quotes, escapes, odd names, long and wide characters.
-- @table notes id xxhash
-- @table order id xxhash
-- @table words id xxhash

CREATE TABLE notes (id int NOT NULL PRIMARY KEY, body longtext, `from` int, `a``b` int, `mit Leerzeichen` int, `größe` int);
INSERT INTO notes VALUES (1, 'a', 1, 2, 3, 4);

SELECT /* a comment */ body FROM notes WHERE id = 1;
SELECT body # to the end of the line
FROM notes WHERE id = 1;
SELECT body
-- to the end of the line; with a semicolon
FROM notes WHERE id = 1 /* where id = 2 */;
/* before */ SELECT body FROM notes WHERE id = 1;
SELECT body FROM notes WHERE id = 1 -- last;
SELECT body FROM notes WHERE id/**/=/**/1;
SELECT '-- no comment', '/* none */', "# none" FROM notes WHERE id = 1;
SELECT 5--1;
SELECT /*+ NO_ICP(notes) */ body FROM notes WHERE id = 1;
  SELECT	body
	FROM notes
   WHERE id
  = 1  ;

SELECT `from`, `a``b`, `mit Leerzeichen`, `größe` FROM `notes` WHERE `id` = 1;
SELECT `notes`.`from`, {db} . notes . body FROM notes WHERE notes . id = 1;
SELECT n.`from` AS "double quoted", n.body 'single quoted', n.id `back quoted`, n.id bare FROM notes AS n WHERE n.id = 1;
SELECT Body, BODY, bOdY FROM notes WHERE ID = 1;
SELECT `größe` AS `😀`, 1 AS `` FROM notes WHERE id = 1;

INSERT INTO notes (id, body) VALUES (2, 'it''s "here"');
INSERT INTO notes (id, body) VALUES (3, "it's ""there""");
INSERT INTO notes (id, body) VALUES (4, 'tab\t nul\0 line\n return\r back\\ quote\' percent\% under\_ bell\a end\Z');
INSERT INTO notes (id, body) VALUES (5, 'über 日本語 𝄞 😀 é');
INSERT INTO notes (id, body) VALUES (6, 'where id = 7; -- not');
INSERT INTO notes (id, body) VALUES (7, 'first ' 'second' " third");
INSERT INTO notes (id, body) VALUES (8, N'national'), (8, 'twice');
INSERT INTO notes (id, body) VALUES (8, _latin1 x'e4f6fc');
INSERT INTO notes (id, body) VALUES (9, '
two lines
');
INSERT INTO notes (id, body) VALUES (10, REPEAT('0123456789', 2000));
SELECT body FROM notes WHERE id = 2;
SELECT body FROM notes WHERE id = 3;
SELECT body, HEX(body) FROM notes WHERE id = 4;
SELECT body, LENGTH(body), CHAR_LENGTH(body) FROM notes WHERE id = 5;
SELECT body FROM notes WHERE id = 6;
SELECT body FROM notes WHERE id = 7;
SELECT body FROM notes WHERE id = 8;
SELECT body FROM notes WHERE id = 9;
SELECT body, LENGTH(body) FROM notes WHERE id = 10;
UPDATE notes SET body = REPEAT(body, 100) WHERE id = 10;
SELECT body FROM notes WHERE id = 10;
SELECT body FROM notes WHERE id = 5 AND body LIKE '%😀%';
SELECT body FROM notes WHERE id = 2 AND body = 'it''s "here"' AND body LIKE '%\'%';
SELECT '\%', '\_', '\x', 'a\
b', '';
SELECT 1 AS one
, 2
 , 3 ;

-- A table whose name is a word of SQL.
CREATE TABLE `order` (id int NOT NULL PRIMARY KEY, `from` varchar(10));
INSERT INTO `order` VALUES (1, 'where');
SELECT `from` FROM `order` WHERE id = 1;
SELECT * FROM order WHERE id = 1;

CREATE TABLE words (id int NOT NULL PRIMARY KEY, `select` int);

-- Executable comments: every server executes those for versions before its own.
SELECT /*!80000 body FROM notes WHERE id = 1 */;
SELECT body FROM notes WHERE id = 1 /*! AND 1 = 0 */;
