-- Tables sharded by text: every spelling that a collation takes for equal finds the row, on whichever shard it is.
-- @table people name xxhash
-- @table accents name binary_md5
-- @table cased name xxhash
-- @table folks name xxhash
-- @table towns name binary_md5
-- @table newer name xxhash
-- @table older name xxhash
-- @table swedes name xxhash
-- @table plains name xxhash
-- @table chars name xxhash
-- @table loosely name unicode_loose_md5
-- @table loosest name unicode_loose_xxhash

-- MySQL's default: neither case nor accents count, spaces at the end do.
CREATE TABLE people (name varchar(20) NOT NULL PRIMARY KEY, v int);
INSERT INTO people VALUES ('Anna', 1);
INSERT INTO people VALUES ('Jürgen', 2);
INSERT INTO people VALUES ('Straße', 3);
INSERT INTO people VALUES ('日本', 4);
INSERT INTO people VALUES ('한국', 5);
INSERT INTO people VALUES ('😀', 6);
INSERT INTO people VALUES ('เก', 7);
INSERT INTO people VALUES ('Anna ', 8);
INSERT INTO people VALUES ('', 9);
INSERT INTO people VALUES ('Łódź', 10);
INSERT INTO people VALUES ('Йод', 11);
INSERT INTO people VALUES ('㍿', 12);
INSERT INTO people VALUES ('ANNA', 13);
INSERT INTO people VALUES ('jurgen', 13);
INSERT INTO people VALUES ('STRASSE', 13);
SELECT * FROM people WHERE name = 'Anna';
SELECT * FROM people WHERE name = 'ANNA';
SELECT * FROM people WHERE name = 'änná';
SELECT * FROM people WHERE name = 'anna ';
SELECT * FROM people WHERE name = 'anna  ';
SELECT * FROM people WHERE name = 'JURGEN';
SELECT * FROM people WHERE name = 'Jürgen';
SELECT * FROM people WHERE name = 'strasse';
SELECT * FROM people WHERE name = 'STRAẞE';
SELECT * FROM people WHERE name = '日本';
SELECT * FROM people WHERE name = '한국';
SELECT * FROM people WHERE name = '한국';
SELECT * FROM people WHERE name = '😀';
SELECT * FROM people WHERE name = '😁';
SELECT * FROM people WHERE name = 'เก';
SELECT * FROM people WHERE name = '';
SELECT * FROM people WHERE name = ' ';
SELECT * FROM people WHERE name = 'LÓDZ';
SELECT * FROM people WHERE name = 'йод';
SELECT * FROM people WHERE name = '株式会社';
SELECT * FROM people WHERE name = "aNNa";
SELECT * FROM people WHERE name = x'416E6E61';
SELECT * FROM people WHERE name = x'616E6E61';
SELECT p.v, q.v FROM people p JOIN people q ON q.name = 'ANNA' WHERE p.name = 'anna';
UPDATE people SET v = 20 WHERE name = 'ANNÁ';
SELECT * FROM people WHERE name = 'anna';
DELETE FROM people WHERE name = 'łódŹ';
SELECT * FROM people WHERE name = 'Łódź';
SELECT * FROM people WHERE name = 'anna' COLLATE utf8mb4_bin;
SELECT * FROM people WHERE name = _latin1'anna';
SELECT * FROM people WHERE name = 5;
-- @refused SH2002 several
SELECT * FROM people WHERE name = '123456789012345678901' ORDER BY name;

CREATE TABLE accents (name varchar(20) COLLATE utf8mb4_0900_as_ci NOT NULL PRIMARY KEY, v int);
INSERT INTO accents VALUES ('resume', 1);
INSERT INTO accents VALUES ('résumé', 2);
INSERT INTO accents VALUES ('RÉSUMÉ', 3);
SELECT * FROM accents WHERE name = 'RESUME';
SELECT * FROM accents WHERE name = 'Résumé';
SELECT * FROM accents WHERE name = 'résumé';

CREATE TABLE cased (name varchar(20) COLLATE utf8mb4_0900_as_cs NOT NULL PRIMARY KEY, v int);
INSERT INTO cased VALUES ('a', 1);
INSERT INTO cased VALUES ('A', 2);
INSERT INTO cased VALUES ('ä', 3);
SELECT * FROM cased WHERE name = 'a';
SELECT * FROM cased WHERE name = 'A';
SELECT * FROM cased WHERE name = 'ä';
SELECT * FROM cased WHERE name = 'Ä';

CREATE TABLE folks (name varchar(20) COLLATE utf8mb4_general_ci NOT NULL PRIMARY KEY, v int);
INSERT INTO folks VALUES ('Ärger', 1);
INSERT INTO folks VALUES ('ß', 2);
INSERT INTO folks VALUES ('😀', 3);
INSERT INTO folks VALUES ('ARGER  ', 4);
INSERT INTO folks VALUES ('s', 4);
SELECT * FROM folks WHERE name = 'arger';
SELECT * FROM folks WHERE name = 'arger   ';
SELECT * FROM folks WHERE name = 'S';
SELECT * FROM folks WHERE name = 'ss';
SELECT * FROM folks WHERE name = '🎉';

CREATE TABLE towns (name varchar(20) CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL PRIMARY KEY, v int);
INSERT INTO towns VALUES ('Köln', 1);
INSERT INTO towns VALUES ('KOLN', 2);
SELECT * FROM towns WHERE name = 'koln ';

CREATE TABLE newer (name varchar(20) COLLATE utf8mb4_unicode_520_ci NOT NULL PRIMARY KEY, v int);
INSERT INTO newer VALUES ('ǅ', 1);
INSERT INTO newer VALUES ('😀', 2);
SELECT * FROM newer WHERE name = 'dž';
SELECT * FROM newer WHERE name = 'Dz';
SELECT * FROM newer WHERE name = '😁';

CREATE TABLE older (name varchar(20) COLLATE utf8mb4_unicode_ci NOT NULL PRIMARY KEY, v int);
INSERT INTO older VALUES ('Fuß', 1);
INSERT INTO older VALUES ('fuss ', 2);
INSERT INTO older VALUES ('x ', 3);
SELECT * FROM older WHERE name = 'FUSS';
SELECT * FROM older WHERE name = 'fuß   ';
SELECT * FROM older WHERE name = 'X';

CREATE TABLE swedes (name varchar(20) CHARACTER SET latin1 NOT NULL PRIMARY KEY, v int);
INSERT INTO swedes VALUES ('Åse', 1);
INSERT INTO swedes VALUES ('Ase', 2);
INSERT INTO swedes VALUES ('René', 3);
INSERT INTO swedes VALUES ('10 €', 4);
INSERT INTO swedes VALUES ('RENE', 5);
SELECT * FROM swedes WHERE name = 'åse';
SELECT * FROM swedes WHERE name = 'ase';
SELECT * FROM swedes WHERE name = 'rene ';
SELECT * FROM swedes WHERE name = '10 €';
SELECT * FROM swedes WHERE name = x'52656EE9';

CREATE TABLE plains (name varchar(20) CHARACTER SET ascii NOT NULL PRIMARY KEY, v int);
INSERT INTO plains VALUES ('Abc', 1);
SELECT * FROM plains WHERE name = 'aBC  ';

-- CHAR drops spaces at its end, which its collation sees: literals with such are not routed.
CREATE TABLE chars (name char(5) NOT NULL PRIMARY KEY, v int);
-- @refused SH2002
INSERT INTO chars VALUES ('ab ', 1);
SELECT * FROM chars WHERE name = 'Ab  ';
INSERT INTO chars VALUES ('ab', 1);
INSERT INTO chars VALUES ('AB', 2);
SELECT * FROM chars WHERE name = 'Ab';

-- Vitess' vindexes, where Vitess and the collation agree.
CREATE TABLE loosely (name varchar(20) NOT NULL PRIMARY KEY, v int);
INSERT INTO loosely VALUES ('Tést', 1);
INSERT INTO loosely VALUES ('test ', 2);
INSERT INTO loosely VALUES ('TEST', 3);
SELECT * FROM loosely WHERE name = 'test';
SELECT * FROM loosely WHERE name = 'TEST ';
SELECT * FROM loosely WHERE name = 'T\E\s\T';
SELECT * FROM loosely WHERE name = 'Київ';
-- @refused SH2002
INSERT INTO loosely VALUES ('ї', 1);
SELECT * FROM loosely WHERE name = 'Киив';

CREATE TABLE loosest (name varchar(20) COLLATE utf8mb4_general_ci NOT NULL PRIMARY KEY, v int);
INSERT INTO loosest VALUES ('Bést', 1);
SELECT * FROM loosest WHERE name = 'best';
SELECT * FROM loosest WHERE name = 'BEST  ';
SELECT * FROM loosest WHERE name = 'groß';
