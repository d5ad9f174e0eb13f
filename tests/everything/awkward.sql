-- Every type, with values at the edges.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'very "happy"');
CREATE DOMAIN positive AS numeric(12,3) CHECK (VALUE > 0);
CREATE DOMAIN code AS text;
CREATE TYPE point3 AS (x int, y numeric, label text);
CREATE TYPE located AS (at inet, name text);
CREATE TABLE types (
id int PRIMARY KEY, b bool, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8,
n numeric, n15 numeric(15,2), n38 numeric(38,10), n50 numeric(50,5), neg numeric(5,-2),
t text, vc varchar(10), ch char(5), nm name, q "char", by bytea,
d date, ti time, tz timetz, ts timestamp, tstz timestamptz, iv interval, u uuid,
j json, jb jsonb, m mood, p positive, c code, pt point3, lo located,
ip inet, ci cidr, mac macaddr, bi bit(3), vb varbit, mo money, tv tsvector, x xml, r int4range,
mr int4multirange, pl pg_lsn, o oid, g point, bx box,
ia int[], ta text[], na numeric(5,1)[], ma mood[], ipa inet[], pa point3[]);
INSERT INTO types (id) VALUES (1);
INSERT INTO types VALUES (2, true, 32767, 2147483647, 9223372036854775807, 'NaN', 'Infinity',
'NaN', 9999999999999.99, 9999999999999999999999999999.9999999999, 123456789.12345, 12300,
'a\b''"é🦀', 'abcdefghij', 'ab', 'name', 'z', '\x00ff',
'infinity', '24:00', '23:59:59.123456+02', 'infinity', '-infinity', '1 year -2 days 03:04:05.678901',
'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a":  1}', '{"b": [1, null]}', 'very "happy"', 1.5, 'x',
ROW(1, 1.50, 'a "b"'), ROW('10.0.0.1', 'n'), '10.1.2.3/8', '10.0.0.0/8', '08:00:2b:01:02:03', '101',
'11', '12.34', 'a:1 b', '<a/>', '[1,5)', '{[1,2),[5,9)}', '16/B374D848', 4294967295, '(1,2)',
'(1,1),(0,0)', '{1,NULL,3}', '{a,NULL,"b c",""}', '{1.5,2}', '{sad,ok}', '{10.0.0.1}',
ARRAY[ROW(1,2,'l')::point3]);
INSERT INTO types (id, i2, i4, i8, f4, f8, n, n15, n38, d, ti, ts, tstz, iv, j) VALUES
(3, -32768, -2147483648, -9223372036854775808, '-Infinity', '-0', '-Infinity', -9999999999999.99,
-0.0000000001, '4713-01-01 BC', '00:00', '4713-01-01 BC', '294246-12-31 23:59:59.999999+00',
'-178000000 years', 'null'),
(4, 0, 0, 0, 1e-45, 5e-324, 1e-100, 0, 0, '5874897-12-31', '12:34:56.000001', '1969-12-31 23:59:59.999999',
'0001-01-01', '-1 month 1 day -00:00:00.000001', '[]'),
(5, 1, 1, 1, 3.4028235e38, 1.7976931348623157e308, 123456789012345678901234567890123456789012.5, 0.01,
1, '-infinity', '00:00:00.5', '-infinity', 'infinity', '0', '"\u00e9"'),
(6, 1, 1, 1, 0.1, 0.1, 0.10, 100.00, 10000, '2000-01-01', '23:59:59.999999', '2000-01-01', '1970-01-01', '1 day',
'1e5'),
(7, 1, 1, 1, 1, 1, 10000, -0.10, 99990000, '1999-12-31', '23:59:59.999999', '2000-01-01', '1970-01-01', '1 day', '1');
-- Names that must be quoted, 300 columns, partitions, inheritance, views, generated columns, no key, no rows.
CREATE SCHEMA "Odd ""Schema";
CREATE TABLE "Odd ""Schema"."select.from" (id int PRIMARY KEY, "a ""b" text, "SELECT" int);
COMMENT ON TABLE "Odd ""Schema"."select.from" IS 'a comment';
INSERT INTO "Odd ""Schema"."select.from" VALUES (1, 'x', 2);
CREATE TABLE wide (id int PRIMARY KEY, c0 int DEFAULT 0, c1 int DEFAULT 1, c2 int DEFAULT 2, c3 int DEFAULT 3, c4 int DEFAULT 4, c5 int DEFAULT 5, c6 int DEFAULT 6, c7 int DEFAULT 7, c8 int DEFAULT 8, c9 int DEFAULT 9, c10 int DEFAULT 10, c11 int DEFAULT 11, c12 int DEFAULT 12, c13 int DEFAULT 13, c14 int DEFAULT 14, c15 int DEFAULT 15, c16 int DEFAULT 16, c17 int DEFAULT 17, c18 int DEFAULT 18, c19 int DEFAULT 19, c20 int DEFAULT 20, c21 int DEFAULT 21, c22 int DEFAULT 22, c23 int DEFAULT 23, c24 int DEFAULT 24, c25 int DEFAULT 25, c26 int DEFAULT 26, c27 int DEFAULT 27, c28 int DEFAULT 28, c29 int DEFAULT 29, c30 int DEFAULT 30, c31 int DEFAULT 31, c32 int DEFAULT 32, c33 int DEFAULT 33, c34 int DEFAULT 34, c35 int DEFAULT 35, c36 int DEFAULT 36, c37 int DEFAULT 37, c38 int DEFAULT 38, c39 int DEFAULT 39, c40 int DEFAULT 40, c41 int DEFAULT 41, c42 int DEFAULT 42, c43 int DEFAULT 43, c44 int DEFAULT 44, c45 int DEFAULT 45, c46 int DEFAULT 46, c47 int DEFAULT 47, c48 int DEFAULT 48, c49 int DEFAULT 49, c50 int DEFAULT 50, c51 int DEFAULT 51, c52 int DEFAULT 52, c53 int DEFAULT 53, c54 int DEFAULT 54, c55 int DEFAULT 55, c56 int DEFAULT 56, c57 int DEFAULT 57, c58 int DEFAULT 58, c59 int DEFAULT 59, c60 int DEFAULT 60, c61 int DEFAULT 61, c62 int DEFAULT 62, c63 int DEFAULT 63, c64 int DEFAULT 64, c65 int DEFAULT 65, c66 int DEFAULT 66, c67 int DEFAULT 67, c68 int DEFAULT 68, c69 int DEFAULT 69, c70 int DEFAULT 70, c71 int DEFAULT 71, c72 int DEFAULT 72, c73 int DEFAULT 73, c74 int DEFAULT 74, c75 int DEFAULT 75, c76 int DEFAULT 76, c77 int DEFAULT 77, c78 int DEFAULT 78, c79 int DEFAULT 79, c80 int DEFAULT 80, c81 int DEFAULT 81, c82 int DEFAULT 82, c83 int DEFAULT 83, c84 int DEFAULT 84, c85 int DEFAULT 85, c86 int DEFAULT 86, c87 int DEFAULT 87, c88 int DEFAULT 88, c89 int DEFAULT 89, c90 int DEFAULT 90, c91 int DEFAULT 91, c92 int DEFAULT 92, c93 int DEFAULT 93, c94 int DEFAULT 94, c95 int DEFAULT 95, c96 int DEFAULT 96, c97 int DEFAULT 97, c98 int DEFAULT 98, c99 int DEFAULT 99, c100 int DEFAULT 100, c101 int DEFAULT 101, c102 int DEFAULT 102, c103 int DEFAULT 103, c104 int DEFAULT 104, c105 int DEFAULT 105, c106 int DEFAULT 106, c107 int DEFAULT 107, c108 int DEFAULT 108, c109 int DEFAULT 109, c110 int DEFAULT 110, c111 int DEFAULT 111, c112 int DEFAULT 112, c113 int DEFAULT 113, c114 int DEFAULT 114, c115 int DEFAULT 115, c116 int DEFAULT 116, c117 int DEFAULT 117, c118 int DEFAULT 118, c119 int DEFAULT 119, c120 int DEFAULT 120, c121 int DEFAULT 121, c122 int DEFAULT 122, c123 int DEFAULT 123, c124 int DEFAULT 124, c125 int DEFAULT 125, c126 int DEFAULT 126, c127 int DEFAULT 127, c128 int DEFAULT 128, c129 int DEFAULT 129, c130 int DEFAULT 130, c131 int DEFAULT 131, c132 int DEFAULT 132, c133 int DEFAULT 133, c134 int DEFAULT 134, c135 int DEFAULT 135, c136 int DEFAULT 136, c137 int DEFAULT 137, c138 int DEFAULT 138, c139 int DEFAULT 139, c140 int DEFAULT 140, c141 int DEFAULT 141, c142 int DEFAULT 142, c143 int DEFAULT 143, c144 int DEFAULT 144, c145 int DEFAULT 145, c146 int DEFAULT 146, c147 int DEFAULT 147, c148 int DEFAULT 148, c149 int DEFAULT 149, c150 int DEFAULT 150, c151 int DEFAULT 151, c152 int DEFAULT 152, c153 int DEFAULT 153, c154 int DEFAULT 154, c155 int DEFAULT 155, c156 int DEFAULT 156, c157 int DEFAULT 157, c158 int DEFAULT 158, c159 int DEFAULT 159, c160 int DEFAULT 160, c161 int DEFAULT 161, c162 int DEFAULT 162, c163 int DEFAULT 163, c164 int DEFAULT 164, c165 int DEFAULT 165, c166 int DEFAULT 166, c167 int DEFAULT 167, c168 int DEFAULT 168, c169 int DEFAULT 169, c170 int DEFAULT 170, c171 int DEFAULT 171, c172 int DEFAULT 172, c173 int DEFAULT 173, c174 int DEFAULT 174, c175 int DEFAULT 175, c176 int DEFAULT 176, c177 int DEFAULT 177, c178 int DEFAULT 178, c179 int DEFAULT 179, c180 int DEFAULT 180, c181 int DEFAULT 181, c182 int DEFAULT 182, c183 int DEFAULT 183, c184 int DEFAULT 184, c185 int DEFAULT 185, c186 int DEFAULT 186, c187 int DEFAULT 187, c188 int DEFAULT 188, c189 int DEFAULT 189, c190 int DEFAULT 190, c191 int DEFAULT 191, c192 int DEFAULT 192, c193 int DEFAULT 193, c194 int DEFAULT 194, c195 int DEFAULT 195, c196 int DEFAULT 196, c197 int DEFAULT 197, c198 int DEFAULT 198, c199 int DEFAULT 199, c200 int DEFAULT 200, c201 int DEFAULT 201, c202 int DEFAULT 202, c203 int DEFAULT 203, c204 int DEFAULT 204, c205 int DEFAULT 205, c206 int DEFAULT 206, c207 int DEFAULT 207, c208 int DEFAULT 208, c209 int DEFAULT 209, c210 int DEFAULT 210, c211 int DEFAULT 211, c212 int DEFAULT 212, c213 int DEFAULT 213, c214 int DEFAULT 214, c215 int DEFAULT 215, c216 int DEFAULT 216, c217 int DEFAULT 217, c218 int DEFAULT 218, c219 int DEFAULT 219, c220 int DEFAULT 220, c221 int DEFAULT 221, c222 int DEFAULT 222, c223 int DEFAULT 223, c224 int DEFAULT 224, c225 int DEFAULT 225, c226 int DEFAULT 226, c227 int DEFAULT 227, c228 int DEFAULT 228, c229 int DEFAULT 229, c230 int DEFAULT 230, c231 int DEFAULT 231, c232 int DEFAULT 232, c233 int DEFAULT 233, c234 int DEFAULT 234, c235 int DEFAULT 235, c236 int DEFAULT 236, c237 int DEFAULT 237, c238 int DEFAULT 238, c239 int DEFAULT 239, c240 int DEFAULT 240, c241 int DEFAULT 241, c242 int DEFAULT 242, c243 int DEFAULT 243, c244 int DEFAULT 244, c245 int DEFAULT 245, c246 int DEFAULT 246, c247 int DEFAULT 247, c248 int DEFAULT 248, c249 int DEFAULT 249, c250 int DEFAULT 250, c251 int DEFAULT 251, c252 int DEFAULT 252, c253 int DEFAULT 253, c254 int DEFAULT 254, c255 int DEFAULT 255, c256 int DEFAULT 256, c257 int DEFAULT 257, c258 int DEFAULT 258, c259 int DEFAULT 259, c260 int DEFAULT 260, c261 int DEFAULT 261, c262 int DEFAULT 262, c263 int DEFAULT 263, c264 int DEFAULT 264, c265 int DEFAULT 265, c266 int DEFAULT 266, c267 int DEFAULT 267, c268 int DEFAULT 268, c269 int DEFAULT 269, c270 int DEFAULT 270, c271 int DEFAULT 271, c272 int DEFAULT 272, c273 int DEFAULT 273, c274 int DEFAULT 274, c275 int DEFAULT 275, c276 int DEFAULT 276, c277 int DEFAULT 277, c278 int DEFAULT 278, c279 int DEFAULT 279, c280 int DEFAULT 280, c281 int DEFAULT 281, c282 int DEFAULT 282, c283 int DEFAULT 283, c284 int DEFAULT 284, c285 int DEFAULT 285, c286 int DEFAULT 286, c287 int DEFAULT 287, c288 int DEFAULT 288, c289 int DEFAULT 289, c290 int DEFAULT 290, c291 int DEFAULT 291, c292 int DEFAULT 292, c293 int DEFAULT 293, c294 int DEFAULT 294, c295 int DEFAULT 295, c296 int DEFAULT 296, c297 int DEFAULT 297, c298 int DEFAULT 298, c299 int DEFAULT 299);
INSERT INTO wide (id) SELECT generate_series(1, 50);
CREATE TABLE parts (id int, day date, v int, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE parts_a PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE parts_b PARTITION OF parts FOR VALUES FROM ('2024-02-01') TO ('2024-03-01') PARTITION BY HASH (id);
CREATE TABLE parts_b1 PARTITION OF parts_b FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parts_b2 PARTITION OF parts_b FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parts SELECT i, date '2024-01-01' + i % 60, i % 3 FROM generate_series(1, 300) i;
CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (extra int) INHERITS (parent);
INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2, 2);
CREATE VIEW v AS SELECT id, 'x'::text AS t FROM wide WHERE id <= 3;
CREATE MATERIALIZED VIEW mv AS SELECT id FROM wide; CREATE UNIQUE INDEX ON mv (id);
CREATE TABLE generated (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int, twice int GENERATED ALWAYS AS (a * 2) STORED);
INSERT INTO generated (a) VALUES (1), (2);
CREATE TABLE nokey (a int, b text); INSERT INTO nokey VALUES (1, 'x'), (1, 'x');
CREATE TABLE uniq (a int NOT NULL, b int NOT NULL, c int UNIQUE, UNIQUE (a, b));
CREATE TABLE empty (id int PRIMARY KEY);
ALTER TABLE empty ADD gone int; ALTER TABLE empty DROP gone; ALTER TABLE empty ADD later text;
ANALYZE;
