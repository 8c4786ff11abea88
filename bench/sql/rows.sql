-- Rows to read by id: five short texts each.
CREATE TABLE bench_rows (id bigint PRIMARY KEY, a text, b text, c text, d text, e text);
INSERT INTO bench_rows
SELECT n, 'name ' || n, md5(n::text), 'status', md5((n + 1)::text), 'a text of some thirty characters ' || n
FROM generate_series(1, :rows) n;
VACUUM ANALYZE bench_rows;
