\set id random(1, :rows)
SELECT a, b, c, d, e FROM bench_rows WHERE id = :id;
